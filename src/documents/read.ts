/** Reads documents from files of JSON lines: a line that does not fit its schema is an error that names it. */
import type { z } from 'zod';
import { error } from '../base/errors/index.ts';

/** @throws RUN_DAMAGED with the path, the number of the line and what does not fit */
export const parseLines = <T>(path: string, lines: readonly unknown[], schema: z.ZodType<T>): T[] =>
  lines.map((line, i) => {
    const parsed = schema.safeParse(line);
    if (parsed.success) return parsed.data;
    throw error('RUN_DAMAGED', { path, problem: `line ${i + 1}: ${problemsOf(parsed.error)}` });
  });

const problemsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
