/** Fixtures of single rules, recognised by the contents of their cases: buckets of numbers, the exact random split, metrics. */
import { z } from 'zod';
import { bucketOf } from '../../data/encode/tokens.ts';
import { randomSplit } from '../../data/prepare/split.ts';
import { auc, logloss, numberOf } from '../../evaluate/index.ts';
import type { Checks } from '../checks.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';
import { EXACT, type Tolerance } from '../tolerance.ts';

/** Both sides compute in float64. */
const FLOAT64: Tolerance = { rtol: 1e-12, atol: 1e-12 };

interface Rule {
  /** Schema of one case. */
  schema: z.ZodType;
  check: (fixture: Fixture, checks: Checks) => void;
}

const bucketCase = z.tuple([z.number(), z.int()]);
const splitCase = z.strictObject({
  n: z.int().min(1),
  seed: z.int().min(0),
  ratio: z.tuple([z.number(), z.number(), z.number()]),
  train: z.array(z.int()),
  valid: z.array(z.int()),
  test: z.array(z.int()),
});
const metricCase = z.strictObject({
  labels: z.array(z.union([z.literal(0), z.literal(1)])),
  scores: z.array(z.number()),
  auc: z.number().nullable().optional(),
  logloss: z.number().optional(),
});

const RULES: Rule[] = [
  { schema: bucketCase, check: checkBuckets },
  { schema: splitCase, check: checkSplits },
  { schema: metricCase, check: checkMetrics },
];

const ruleOf = (cases: unknown): Rule | undefined =>
  Array.isArray(cases) && cases.length > 0
    ? RULES.find(({ schema }) => cases.every((one) => schema.safeParse(one).success))
    : undefined;

export const isRuleFixture = (fixture: Fixture): boolean => fixture.has('cases');

export function checkRule(fixture: Fixture, checks: Checks): void {
  const rule = ruleOf(fixture.entry('cases'));
  if (rule === undefined) throw new NotUnderstood('its cases are neither of buckets, nor of splits, nor of metrics');
  rule.check(fixture, checks);
}

const casesOf = <T>(fixture: Fixture, schema: z.ZodType<T>): T[] => z.array(schema).parse(fixture.entry('cases'));

/** [number, bucket] pairs of AutoIFS' rule for numeric fields. */
function checkBuckets(fixture: Fixture, checks: Checks): void {
  const rule = String(fixture.entry('rule'));
  if (!/v > 2: floor\(ln\(v\)\^2\); otherwise trunc/.test(rule)) throw new NotUnderstood(`unknown rule "${rule}"`);
  for (const [value, expected] of casesOf(fixture, bucketCase)) {
    const found = bucketOf('logSquare', value);
    const neighbours = onEdge(value) && Math.abs(found - expected) === 1;
    checks.number(`bucket of ${value}`, neighbours ? expected : found, expected);
  }
}

/**
 * Is ln(v)^2 an integer except for the last bits? Libraries and their versions differ there: for e^sqrt(2) NumPy 1.24 gives bucket 1,
 * NumPy 2.4 and the C library give 2. So at an edge both buckets are correct.
 */
function onEdge(value: number): boolean {
  const square = Math.log(value) ** 2;
  return value > 2 && Math.abs(square - Math.round(square)) <= 4 * Number.EPSILON * square;
}

/** Row numbers of the three parts, in their order. */
function checkSplits(fixture: Fixture, checks: Checks): void {
  for (const { n, seed, ratio, ...parts } of casesOf(fixture, splitCase)) {
    const { places, train, validation } = randomSplit(n, ratio, seed);
    const order: number[] = []; // rows in the order of their places: train, validation, test
    places.forEach((place, row) => {
      order[place] = row;
    });
    const found = { train: [0, train], valid: [train, train + validation], test: [train + validation, n] } as const;
    for (const part of ['train', 'valid', 'test'] as const)
      checks.close(`${part} of ${n} rows, seed ${seed}`, order.slice(...found[part]), parts[part], EXACT);
  }
}

function checkMetrics(fixture: Fixture, checks: Checks): void {
  casesOf(fixture, metricCase).forEach((one, i) => {
    const { labels, scores } = one;
    if (one.auc !== undefined)
      checks.number(`cases[${i}].auc`, numberOf(auc(scores, labels)) ?? Number.NaN, one.auc ?? Number.NaN, FLOAT64);
    if (one.logloss !== undefined)
      checks.number(`cases[${i}].logloss`, numberOf(logloss(scores, labels)) ?? Number.NaN, one.logloss, FLOAT64);
  });
}
