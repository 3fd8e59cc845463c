/** Configurations of published implementations. */
import type { z } from 'zod';
import { error } from '../base/errors/index.ts';

/** A reference's configuration by its schema. Throws CONFIG_INVALID, naming every mistake. */
export function readConfiguration<T>(schema: z.ZodType<T>, config: Record<string, unknown>): T {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw error('CONFIG_INVALID', {
    source: 'the reference configuration',
    problems: parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
  });
}
