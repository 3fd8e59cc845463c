/** Mistakes of a configuration in words: where, what was expected, what was found. */
import type { z } from 'zod';
import { shown } from '../../base/shown.ts';
import { nearestPath } from './paths.ts';

export interface Problem {
  /** Dotted, empty for the top level. */
  path: string;
  message: string;
}

/** One problem per mistake; `input` is the value that was parsed. */
export function problemsOf(issues: z.core.$ZodIssue[], input: unknown, schema: z.core.$ZodType): Problem[] {
  const mistakes = issues.flatMap((issue): (() => Problem)[] => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => () => unknownOption([...path, key].join('.'), schema));
    return [() => ({ path: path.join('.'), message: describe(issue, valueAt(input, issue.path)) })];
  });
  const told = mistakes.slice(0, MOST_PROBLEMS).map((problem) => problem());
  const others = mistakes.length - told.length;
  return others === 0 ? told : [...told, { path: '...', message: `and ${others} more mistakes` }];
}

/** Problems written out; a file with more of them is no configuration of this kind. */
const MOST_PROBLEMS = 100;

/** Of a path. */
const MOST_CHARACTERS = 300;

export const unknownOption = (path: string, schema: z.core.$ZodType): Problem => ({
  path: path.length > MOST_CHARACTERS ? `${path.slice(0, MOST_CHARACTERS)}...` : path,
  message: `there is no such option; the nearest is ${nearestPath(schema, path)}`,
});

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_key') return `is no valid name: ${issue.issues[0].message}`;
  const expected = expectation(issue);
  if (expected === undefined) return issue.message;
  return value === undefined ? `is missing: expected ${expected}` : `expected ${expected}, found ${shown(value)}`;
}

/** What the schema wanted; undefined where the issue's own text says it all. */
function expectation(issue: z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return (
        { int: 'a whole number', number: 'a number', string: 'text', boolean: 'true or false', array: 'a list' }[
          issue.expected as string
        ] ?? `an ${issue.expected}`
      );
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum);
    case 'invalid_union':
      return issue.discriminator === undefined ? unionOf(issue.errors) : discriminated(issue);
    default:
      return undefined;
  }
}

const bound = (origin: string, relation: string, limit: number | bigint): string => {
  const unit = { string: ' characters', array: ' entries' }[origin] ?? '';
  return `${relation} ${limit}${unit}`;
};

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? shown(values[0]) : `one of ${values.map(shown).join(', ')}`;

const unionOf = (errors: z.core.$ZodIssue[][]): string => {
  const wanted = errors.flatMap((issues) => issues.map((issue) => expectation(issue) ?? issue.message));
  return [...new Set(wanted)].join(', or ');
};

const discriminated = (issue: z.core.$ZodIssueInvalidUnion): string =>
  'options' in issue && issue.options !== undefined ? oneOf(issue.options) : `a known ${issue.discriminator}`;

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  return path.reduce((value, key) => (value as Record<PropertyKey, unknown> | undefined | null)?.[key], input);
}
