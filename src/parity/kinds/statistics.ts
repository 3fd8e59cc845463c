/** Fixtures of statistics: named cases, each with a kind, an input, an expected result and a tolerance. */

import { z } from 'zod';
import { isRecord } from '../../base/json.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood, some } from '../fixture.ts';
import type { Tolerance } from '../tolerance.ts';
import { ARM_KINDS } from './statistics/arms.ts';
import { ASSIGNMENT_KINDS } from './statistics/assignments.ts';
import { INTERLEAVING_KINDS } from './statistics/interleaved.ts';
import { problemsOf, type StatisticKind } from './statistics/kind.ts';
import { REPLAY_KINDS } from './statistics/replays.ts';

const KINDS: ReadonlyMap<string, StatisticKind> = new Map(
  Object.entries({ ...ARM_KINDS, ...ASSIGNMENT_KINDS, ...INTERLEAVING_KINDS, ...REPLAY_KINDS }),
);

/** All other entries are notes (texts). */
const caseSchema = z
  .object({ kind: z.string(), input: z.unknown(), expected: z.unknown(), tolerance: z.number().min(0) })
  .catchall(z.string());

export const isStatisticsFixture = (fixture: Fixture): boolean =>
  fixture.has('kind') && fixture.entry('kind') === 'statistics';

/** Checks all cases, then reports those that were not understood. */
export function checkStatistics(fixture: Fixture, checks: Checks): void {
  const cases = z.record(z.string(), z.unknown()).safeParse(fixture.entry('cases'));
  if (!cases.success) throw new NotUnderstood('its cases are no object of named cases');
  const reasons: string[] = [];
  for (const [name, one] of Object.entries(cases.data)) {
    try {
      checkCase(name, one, checks);
    } catch (cause) {
      reasons.push(`${name}: ${(cause as Error).message}`);
    }
  }
  if (reasons.length > 0) throw new NotUnderstood(some(reasons));
}

function checkCase(name: string, one: unknown, checks: Checks): void {
  const parsed = caseSchema.safeParse(one);
  if (!parsed.success) throw new NotUnderstood(problemsOf(parsed.error));
  const { kind, input, expected, tolerance } = parsed.data;
  const statistic = KINDS.get(kind);
  if (statistic === undefined)
    throw new NotUnderstood(`unknown kind "${kind}", known are ${[...KINDS.keys()].join(', ')}`);
  const found = statistic.run(input, isRecord(expected) ? Object.keys(expected) : []);
  compare(name, found, expected, { rtol: tolerance, atol: tolerance }, { checks, tails: statistic.tails });
}

interface Comparison {
  checks: Checks;
  tails: readonly string[];
}

function compare(name: string, found: unknown, expected: unknown, tolerance: Tolerance, to: Comparison): void {
  if (typeof found === 'number' && typeof expected === 'number') to.checks.number(name, found, expected, tolerance);
  else if (Array.isArray(found) && Array.isArray(expected)) {
    to.checks.number(`${name}.length`, found.length, expected.length);
    expected.forEach((value, i) => {
      if (i < found.length) compare(`${name}[${i}]`, found[i], value, tolerance, to);
    });
  } else if (isRecord(expected) && typeof found === 'object' && found !== null)
    compareEntries(name, found, expected, tolerance, to);
  else to.checks.equal(name, found, expected);
}

function compareEntries(
  name: string,
  found: object,
  expected: Record<string, unknown>,
  tolerance: Tolerance,
  to: Comparison,
): void {
  if (found instanceof Map) to.checks.equal(`${name} names`, [...found.keys()].sort(), Object.keys(expected).sort());
  const entries = new Map<string, unknown>(found instanceof Map ? found : Object.entries(found));
  for (const [key, value] of Object.entries(expected)) {
    if (!(found instanceof Map) && !entries.has(key))
      throw new NotUnderstood(`nothing is known of the expected "${key}"`);
    const own = to.tails.includes(key) ? { ...tolerance, atol: 0 } : tolerance;
    if (entries.has(key)) compare(`${name}.${key}`, entries.get(key), value, own, to);
  }
}
