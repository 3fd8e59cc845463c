import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairCounter } from '../../src/evaluate/auc.ts';
import { CalibrationBuckets } from '../../src/evaluate/calibration.ts';
import { auc, calibrationError, logloss, type Metric } from '../../src/evaluate/index.ts';
import { pairwiseAuc } from './helpers.ts';

interface Fixture {
  cases: { labels: number[]; scores: number[]; auc: number; logloss: number }[];
}
const fixture: Fixture = JSON.parse(readFileSync(new URL('../fixtures/rules/metrics.json', import.meta.url), 'utf8'));

const numberIn = (metric: Metric): number => ('value' in metric ? metric.value : Number.NaN);

test.each(fixture.cases.map((of, i) => [i, of] as const))('reference case %i, to 1e-12', (_, expected) => {
  const { labels, scores } = expected;
  for (const given of [scores, Float64Array.from(scores)]) {
    expect(Math.abs(numberIn(auc(given, labels)) - expected.auc)).toBeLessThan(1e-12);
    expect(Math.abs(numberIn(logloss(given, labels)) - expected.logloss)).toBeLessThan(1e-12);
  }
});

test('auc is the share of ordered pairs, a tie one half, on float64 scores that float32 would not tell apart', () => {
  expect(auc([0.5, 0.5 + 1e-12], [0, 1])).toEqual({ value: 1 });
  const row = fc.record({
    logit: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ noNaN: true })),
    label: fc.constantFrom(0, 1, Number.NaN),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 50 }), (rows) => {
      const found = auc(
        rows.map(({ logit }) => logit),
        rows.map(({ label }) => label),
      );
      const expected = pairwiseAuc(rows);
      if (expected === undefined) expect(found).toHaveProperty('undefined');
      else expect(Math.abs(numberIn(found) - expected)).toBeLessThan(1e-14);
    }),
  );
});

test('pairs are counted exactly beyond 2^53', () => {
  const pairs = new PairCounter();
  pairs.add(0, 3e8);
  pairs.add(2e8, 1);
  pairs.add(1, 2e8);
  // by hand: 2e8 positives above 3e8 negatives and tied with 1; 1 positive above 3e8 + 1 and tied with 2e8
  const twice = 2n * 200000000n * 300000000n + 200000000n + 2n * 300000001n + 200000000n;
  expect(twice).toBeGreaterThan(2n ** 53n);
  expect(pairs.area()).toEqual({ value: Number(twice) / (2 * (2e8 + 1) * (5e8 + 1)) });
  const single = new PairCounter();
  for (let i = 0; i < 3; i++) single.add(0, 3e8);
  for (let i = 0; i < 4; i++) single.add(1e8, 0);
  expect(single.area()).toEqual({ value: 1 });
});

test('log loss clips at float64 epsilon', () => {
  const worst = -Math.log(2 ** -52);
  expect(numberIn(logloss([0, 1], [1, 0]))).toBeCloseTo(worst, 12);
  expect(numberIn(logloss([1, 0], [1, 0]))).toBeCloseTo(2 ** -52, 25);
});

test('the buckets of a calibration, with the share of positives and its interval (Wilson)', () => {
  const calibration = new CalibrationBuckets(2);
  calibration.add(0.6, 3, 1);
  calibration.add(0.8, 5, 1);
  const [bucket, ...others] = calibration.buckets();
  expect(others).toEqual([]);
  expect(bucket).toMatchObject({
    rows: 10,
    positives: 8,
    meanProbability: expect.closeTo(0.72, 14),
    positiveRate: 0.8,
  });
  expect(bucket.low).toBeCloseTo(0.4902, 4);
  expect(bucket.high).toBeCloseTo(0.9433, 4);
});

test('calibration error by hand', () => {
  // bucket [0.1, 0.15): 0.10 and 0.12, one positive; last bucket: 0.95 and 1, two positives
  const error = (Math.abs(0.1 + 0.12 - 1) + Math.abs(0.95 + 1 - 2)) / 4;
  expect(numberIn(calibrationError([0.1, 0.12, 0.95, 1], [0, 1, 1, 1]))).toBeCloseTo(error, 14);
  expect(numberIn(calibrationError([0.2, 0.8], [0, 1], 1))).toBeCloseTo(0, 14);
});

test('scores that are not a number, and labels of one class, leave a metric undefined', () => {
  const notANumber = { undefined: 'some scores are not a number' };
  for (const metric of [auc, logloss, calibrationError]) {
    expect(metric([Number.NaN, 0.5], [1, 0])).toEqual(notANumber);
    expect(metric([], [])).toEqual({ undefined: 'no row has a label' });
  }
  expect(auc([0.1, 0.2], [0, 0])).toEqual({ undefined: 'all labels are 0' });
  expect(auc([0.1, 0.2], [1, 1])).toEqual({ undefined: 'all labels are 1' });
});
