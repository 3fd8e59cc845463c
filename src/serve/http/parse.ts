/** Parses untrusted input. Reports the first mistakes by path, at a cost bounded whatever is sent. */
import type { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';
import { type Problem, problemsOf } from '../../config/files/problems.ts';

export const MOST_PROBLEMS = 10;
/** Characters of an unknown name that are compared and shown. */
const NAME_LENGTH = 64;

/** @throws REQUEST_INVALID */
export function parseRequest<T>(schema: z.ZodType<T>, input: unknown): T {
  const problems: Problem[] = [];
  const parsed = parsePart(schema, input, '', problems);
  if (parsed === undefined) throw error('REQUEST_INVALID', { problems });
  return parsed;
}

/** As parseRequest, for a body that may be left out. A body of null is one, and refused. */
export const parseOptional = <T>(schema: z.ZodType<T>, input: unknown = {}): T => parseRequest(schema, input);

/** Parses the part of a request at `path` (empty, or ending in a dot). Adds its mistakes to `problems`, up to MOST_PROBLEMS in all. */
export function parsePart<T>(schema: z.ZodType<T>, input: unknown, path: string, problems: Problem[]): T | undefined {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : [];
  for (const issue of parsed.error.issues) {
    const at = path + issue.path.map((part) => `${String(part)}.`).join('');
    const found =
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, MOST_PROBLEMS)
            .map((key) => unknownName(key, at, issue.path.length === 0 ? known : [], 'there is no such property'))
        : problemsOf([issue], input, schema).map((problem) => ({ ...problem, path: at.slice(0, -1) }));
    problems.push(...found.slice(0, MOST_PROBLEMS - problems.length));
    if (problems.length >= MOST_PROBLEMS) break;
  }
  return undefined;
}

/** The problem of an unknown name, with the nearest known name if at least half of its letters agree. `path` is empty or ends in a dot. */
export function unknownName(name: string, path: string, known: Iterable<string>, problem: string): Problem {
  const start = name.slice(0, NAME_LENGTH);
  const guess = nearest(start, known, Math.ceil(start.length / 2));
  return { path: `${path}${start}`, message: guess === undefined ? problem : `${problem}; the nearest is ${guess}` };
}
