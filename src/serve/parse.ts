/** Parses what a stranger sends: the first mistakes by path, at a cost that does not grow with what they made up. */
import type { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import { type Problem, problemsOf } from '../config/problems.ts';

export const MOST_PROBLEMS = 10;
/** Of a name that is not known, so much is looked at and told. */
const NAME_LENGTH = 64;

/** @throws REQUEST_INVALID */
export function parseRequest<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : [];
  const problems = parsed.error.issues.slice(0, MOST_PROBLEMS).flatMap((issue): Problem[] => {
    if (issue.code !== 'unrecognized_keys') return problemsOf([issue], input, schema);
    const path = issue.path.map(String);
    return issue.keys
      .slice(0, MOST_PROBLEMS)
      .map((key) =>
        unknownName(key, [...path, ''].join('.'), path.length === 0 ? known : [], 'there is no such property'),
      );
  });
  throw error('REQUEST_INVALID', { problems: problems.slice(0, MOST_PROBLEMS) });
}

/** A name that nothing has, and the known one that looks most like it. `path` ends with a dot or is empty. */
export function unknownName(name: string, path: string, known: readonly string[], problem: string): Problem {
  const start = name.slice(0, NAME_LENGTH);
  const guess = nearest(start, known);
  return { path: `${path}${start}`, message: guess === undefined ? problem : `${problem}; the nearest is ${guess}` };
}
