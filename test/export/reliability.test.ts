/** How well probabilities fit before and after calibration. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { calibrationError, weightedReliability } from '../../src/evaluate/calibration.ts';
import { numberOf, sigmoid } from '../../src/evaluate/index.ts';
import { fitCell } from '../../src/export/calibrate/choose.ts';
import type { Labelled } from '../../src/export/calibrate/isotonic.ts';
import { fitPlatt } from '../../src/export/calibrate/platt.ts';
import { type LabelledCell, reliabilityOfFit } from '../../src/export/calibrate/reliability.ts';
import { calibrator } from '../../src/store/artifact/calibration.ts';

const row = fc.record({
  p: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.05, 0.5, 0.95, 1)),
  y: fc.constantFrom(0, 1),
  w: fc.double({ min: 0.01, max: 50, noNaN: true }),
});

const reliabilityOf = (rows: readonly { p: number; y: number; w: number }[]) =>
  weightedReliability(
    rows.map(({ p }) => p),
    rows.map(({ y }) => y),
    rows.map(({ w }) => w),
  );

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

test('buckets are those of a brute force, for any rows and weights', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
      const { error, buckets } = reliabilityOf(rows);
      const all = sum(rows.map(({ w }) => w));
      const expected = Array.from({ length: 20 }, (_, b) =>
        rows.filter(({ p }) => (p * 20 >= b && p * 20 < b + 1) || (b === 19 && p === 1)),
      ).filter((own) => own.length > 0);
      expect(buckets).toHaveLength(expected.length);
      let off = 0;
      for (const [i, own] of expected.entries()) {
        const weight = sum(own.map(({ w }) => w));
        const rate = sum(own.map(({ w, y }) => w * y)) / weight;
        const predicted = sum(own.map(({ w, p }) => w * p)) / weight;
        off += (weight / all) * Math.abs(rate - predicted);
        expect(buckets[i].rows).toBe(own.length);
        expect(buckets[i].positives).toBe(own.filter(({ y }) => y === 1).length);
        expect(buckets[i].meanProbability).toBeCloseTo(predicted, 10);
        expect(buckets[i].positiveRate).toBeCloseTo(rate, 10);
        // Both ends p of Wilson's interval solve (rate - p)^2 = z^2 p (1 - p) / n.
        const n =
          rate > 0 && rate < 1
            ? (rate * (1 - rate) * weight ** 2) / sum(own.map(({ w, y }) => (w * (y - rate)) ** 2))
            : weight ** 2 / sum(own.map(({ w }) => w ** 2));
        for (const end of [buckets[i].low, buckets[i].high])
          expect((rate - end) ** 2).toBeCloseTo((1.959963985 ** 2 * end * (1 - end)) / n, 7);
        expect(buckets[i].low).toBeLessThanOrEqual(rate + 1e-12);
        expect(buckets[i].high).toBeGreaterThanOrEqual(rate - 1e-12);
      }
      expect(numberOf(error)).toEqual(rows.length === 0 ? null : expect.closeTo(off, 10));
    }),
  );
});

test('the unit of weights is of no account, and equal weights are none', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), (rows) => {
      const doubled = reliabilityOf(rows.map(({ w, ...own }) => ({ ...own, w: 2 * w })));
      expect(doubled).toEqual(reliabilityOf(rows)); // a power of 2 rounds nothing
      const plain = calibrationError(
        rows.map(({ p }) => p),
        rows.map(({ y }) => y),
      );
      expect(reliabilityOf(rows.map((own) => ({ ...own, w: 1 }))).error).toEqual(plain);
    }),
  );
});

test('95 % intervals of sampled negatives cover the rate of all rows about so often', () => {
  const [rate, kept] = [0.04, 0.1];
  const draws = 1000;
  let covered = 0;
  for (let draw = 0; draw < draws; draw++) {
    const generator = random('coverage', draw);
    const rows = Array.from({ length: 2000 }, () => Number(generator.uniform() < rate))
      .filter((y) => y === 1 || generator.uniform() < kept)
      .map((y) => ({ p: 0.04, y, w: y === 1 ? 1 : 1 / kept }));
    const [{ low, high }] = reliabilityOf(rows).buckets;
    if (low <= rate && rate <= high) covered++;
  }
  expect(covered / draws).toBeGreaterThan(0.93); // 95 % less three standard errors
  expect(covered / draws).toBeLessThan(0.975);
});

/** Rows whose true logits are `truth` of what the model says, the odd ones with a weight of 3. */
function drawnCell(count: number, truth: (logit: number) => number, key: string): LabelledCell {
  const generator = random('reliability', key);
  const logits = Float32Array.from({ length: count }, () => 1.5 * generator.normal());
  const labels = Uint8Array.from(logits, (z) => Number(generator.uniform() < sigmoid(truth(z))));
  const weights = Float32Array.from(logits, (_, i) => (i % 2 === 0 ? 1 : 3));
  return { logits, probabilities: logits.map(sigmoid), labels, weights };
}

const only = ({ logits, labels, weights }: Labelled, keep: (i: number) => boolean): Labelled => ({
  logits: logits.filter((_, i) => keep(i)),
  labels: labels.filter((_, i) => keep(i)),
  weights: weights.filter((_, i) => keep(i)),
});

test('after calibration each row has the probability of a fit to the other fifths', () => {
  const cell = drawnCell(3001, (z) => 0.5 * z - 1, 'folds');
  const fit = fitCell(cell, 'platt');
  const byFold = Array.from({ length: 5 }, (_, fold) => {
    const calibration = fitPlatt(only(cell, (i) => i % 5 !== fold));
    return calibrator(calibration as NonNullable<typeof calibration>);
  });
  const expected = Array.from(cell.logits, (z, i) => byFold[i % 5](z, Number.NaN));
  expect([...(fit.heldOut as Float64Array)]).toEqual(expected);
  const { before, after } = reliabilityOfFit(cell, fit);
  const { error, buckets } = weightedReliability(expected, cell.labels, cell.weights);
  expect(after).toEqual({ rows: 'held out', error: numberOf(error), buckets });
  expect(before.buckets).toEqual(weightedReliability(cell.probabilities, cell.labels, cell.weights).buckets);
  expect(after?.error).toBeLessThan((before.error as number) / 3);
});

test('rows of the fit flatter it, so they are named where nothing else is there', () => {
  const cell = drawnCell(600, (z) => z, 'flattered');
  const fit = fitCell(cell, 'isotonic');
  const honest = reliabilityOfFit(cell, fit).after;
  const flattering = reliabilityOfFit(cell, { cell: fit.cell }).after;
  expect([honest?.rows, flattering?.rows]).toEqual(['held out', 'seen']);
  expect(flattering?.error).toBeLessThan(honest?.error as number);
});

test('a cell that keeps its probabilities has them once, and a cell without rows has none', () => {
  const cell = drawnCell(400, (z) => z, 'kept');
  const kept = reliabilityOfFit(cell, fitCell(cell, 'none'));
  expect(Object.keys(kept)).toEqual(['before']);
  expect(sum(kept.before.buckets.map(({ rows }) => rows))).toBe(400);
  const chosen = reliabilityOfFit(cell, { cell: { ...fitCell(cell, 'platt').cell, calibration: { kind: 'none' } } });
  expect(chosen).toEqual(kept);
  const empty = drawnCell(0, (z) => z, 'empty');
  expect(reliabilityOfFit(empty, fitCell(empty, 'auto'))).toEqual({ before: { error: null, buckets: [] } });
});
