/** DeLong, t, bootstrap and corrections: by brute force, by hand, and by laws. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { auc } from '../../../src/evaluate/index.ts';
import {
  aucVariance,
  type BootstrapCell,
  bootstrapAuc,
  bootstrapTest,
  CORRECTIONS,
  delongTest,
  meanOf,
  meanPlacements,
  type Placements,
  pairedT,
  placements,
} from '../../../src/evaluate/significance/index.ts';

/** Covariances of AUCs as DeLong et al. write them: psi of every pair, structural components, S10 / m + S01 / n. */
function bruteForce(scores: number[][], labels: number[]): { aucs: number[]; covariance: number[][] } {
  const rowsOf = (label: number): number[] => labels.flatMap((value, row) => (value === label ? [row] : []));
  const [positives, negatives] = [rowsOf(1), rowsOf(0)];
  const psi = (x: number, y: number): number => (y < x ? 1 : y === x ? 0.5 : 0);
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const v10 = scores.map((s) => positives.map((i) => mean(negatives.map((j) => psi(s[i], s[j])))));
  const v01 = scores.map((s) => negatives.map((j) => mean(positives.map((i) => psi(s[i], s[j])))));
  const aucs = v10.map(mean);
  const covarianceOf = (components: number[][], a: number, b: number): number =>
    components[a].reduce((sum, v, i) => sum + (v - aucs[a]) * (components[b][i] - aucs[b]), 0) /
    (components[a].length - 1);
  const covariance = scores.map((_, a) =>
    scores.map((_, b) => covarianceOf(v10, a, b) / positives.length + covarianceOf(v01, a, b) / negatives.length),
  );
  return { aucs, covariance };
}

/** Few different scores, so that there are ties; at least two rows of each class. */
const rows = fc
  .array(
    fc.record({
      label: fc.constantFrom(0, 1),
      a: fc.integer({ min: -4, max: 4 }),
      b: fc.integer({ min: -4, max: 4 }),
    }),
    { minLength: 4, maxLength: 40 },
  )
  .map((list) => [...list, ...[0, 0, 1, 1].map((label, i) => ({ label, a: i - 1, b: 2 - i }))]);

const columns = (list: { label: number; a: number; b: number }[]) => ({
  labels: list.map(({ label }) => label),
  a: list.map(({ a }) => a),
  b: list.map(({ b }) => b),
});
const place = (scores: number[], labels: number[]): Placements => placements(scores, labels) as Placements;

describe("DeLong's test", () => {
  test('agrees with the O(n^2) definition', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { labels, a, b } = columns(list);
        const { aucs, covariance } = bruteForce([a, b], labels);
        const [own, other] = [place(a, labels), place(b, labels)];
        expect(own.auc).toBeCloseTo(aucs[0], 12);
        expect(own.auc).toBeCloseTo((auc(a, labels) as { value: number }).value, 12);
        expect(aucVariance(own)).toBeCloseTo(covariance[0][0], 12);
        const { difference, standardError } = delongTest(own, other) as { difference: number; standardError: number };
        expect(difference).toBeCloseTo(aucs[0] - aucs[1], 12);
        expect(standardError ** 2).toBeCloseTo(covariance[0][0] + covariance[1][1] - 2 * covariance[0][1], 12);
      }),
    );
  });

  test('worked by hand', () => {
    // Positives 3, 1; negatives 2, 0: AUC 3/4. V10 = 1, 1/2; V01 = 1/2, 1. Both variances are 1/8: 1/16 + 1/16.
    const one = place([3, 1, 2, 0], [1, 1, 0, 0]);
    expect([...one.positives, ...one.negatives]).toEqual([1, 0.5, 0.5, 1]);
    expect(aucVariance(one)).toBe(0.125);
    // Against a model that ties all rows: every placement is 1/2, the variance of the difference is the same.
    const found = delongTest(one, place([5, 5, 5, 5], [1, 1, 0, 0]));
    expect(found).toMatchObject({ difference: 0.25, standardError: Math.sqrt(0.125) });
    expect(found?.p).toBeCloseTo(0.4795001, 6); // 2 * (1 - Phi(0.7071068))
    expect(found?.low).toBeCloseTo(0.25 - 1.959964 * Math.sqrt(0.125), 6);
  });

  test('the other way round the sign changes and nothing else; rising maps of the scores change nothing', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { labels, a, b } = columns(list);
        const forward = delongTest(place(a, labels), place(b, labels));
        const back = delongTest(place(b, labels), place(a, labels));
        expect(back?.difference).toBe(-(forward?.difference as number) + 0);
        expect(back?.p).toBe(forward?.p);
        const mapped = delongTest(
          place(
            a.map((x) => Math.exp(x) - 7),
            labels,
          ),
          place(b, labels),
        );
        expect(mapped).toEqual(forward);
      }),
    );
  });

  test('a model against itself does not differ, p is 1', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { labels, a } = columns(list);
        expect(delongTest(place(a, labels), place(a, labels))).toMatchObject({ difference: 0, standardError: 0, p: 1 });
      }),
    );
  });

  test('of a mean over models: the variance of the mean of their AUCs', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { labels, a, b } = columns(list);
        const { aucs, covariance: c } = bruteForce([a, b], labels);
        const mean = meanPlacements([place(a, labels), place(b, labels)]);
        expect(mean.auc).toBeCloseTo((aucs[0] + aucs[1]) / 2, 12);
        expect(aucVariance(mean)).toBeCloseTo((c[0][0] + 2 * c[0][1] + c[1][1]) / 4, 12);
      }),
    );
  });

  test('is undefined without both classes, for scores that are no numbers, and for a class of one row', () => {
    expect(placements([1, 2], [1, 1])).toBeUndefined();
    expect(placements([], [])).toBeUndefined();
    expect(placements([1, Number.NaN], [1, 0])).toBeUndefined();
    expect(delongTest(place([1, 2, 3], [1, 0, 0]), place([3, 2, 1], [1, 0, 0]))).toBeUndefined();
    expect(place([1, 9, 2], [1, Number.NaN, 0]).auc).toBe(0); // a row without a label is left out
  });
});

describe('means over seeds', () => {
  test('worked by hand', () => {
    // 1, 2, 3: sd 1, standard error 1 / sqrt(3), t of 2 degrees of freedom 4.302653.
    const { mean, sd, low, high } = meanOf([1, 2, 3]);
    expect([mean, sd]).toEqual([2, 1]);
    expect(high).toBeCloseTo(2 + 4.302653 / Math.sqrt(3), 5);
    expect((low as number) + (high as number)).toBeCloseTo(4, 12);
    expect(meanOf([0.8])).toEqual({ n: 1, mean: 0.8, sd: null, low: null, high: null });
  });

  test('Student 1908: ten patients, additional sleep by two drugs', () => {
    const one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    const two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const found = pairedT(one, two);
    expect(found?.difference).toBeCloseTo(-1.58, 10);
    expect((found?.difference as number) / (found?.standardError as number)).toBeCloseTo(-4.0621, 4);
    expect(found?.p).toBeCloseTo(0.00283289, 7);
    expect(found?.low).toBeCloseTo(-2.4598858, 6);
    expect(found?.high).toBeCloseTo(-0.7001142, 6);
  });

  test('one pair tells nothing; pairs that never differ do not differ', () => {
    expect(pairedT([1], [2])).toBeUndefined();
    expect(pairedT([1, 2], [1, 2])).toMatchObject({ difference: 0, p: 1 });
    expect(pairedT([2, 3], [1, 2])).toMatchObject({ difference: 1, p: 0 });
  });
});

describe('the cluster bootstrap', () => {
  const generator = random('bootstrap rows');
  const count = 60;
  const groups = 12;
  const cell: BootstrapCell = {
    labels: Array.from({ length: count }, () => generator.below(2)),
    groups: Array.from({ length: count }, () => generator.below(groups)),
    scores: [0, 1].map(() => Array.from({ length: count }, () => generator.below(15))),
  };

  test('an AUC of a draw is that of rows written down as often as their group was drawn', () => {
    const [models] = bootstrapAuc([cell], { groups, resamples: 100, seed: 3 });
    for (let draw = 0; draw < 100; draw++) {
      const generator = random('bootstrap', 3, draw); // the draws are part of what results depend on
      const drawn = Array.from({ length: groups }, () => generator.below(groups));
      const written = drawn.flatMap((group) =>
        Array.from({ length: count }, (_, i) => i).filter((i) => cell.groups[i] === group),
      );
      cell.scores.forEach((scores, m) => {
        const found = auc(
          written.map((i) => scores[i]),
          written.map((i) => cell.labels[i]),
        );
        expect(models[m][draw]).toBeCloseTo((found as { value: number }).value, 12);
      });
    }
  });

  test('is seeded, and its draws do not depend on how many there are or on other models', () => {
    const [[first]] = bootstrapAuc([cell], { groups, resamples: 20, seed: 1 });
    const [[longer]] = bootstrapAuc([{ ...cell, scores: [cell.scores[0]] }], { groups, resamples: 40, seed: 1 });
    expect(longer.slice(0, 20)).toEqual(first);
    expect(bootstrapAuc([cell], { groups, resamples: 20, seed: 2 })[0][0]).not.toEqual(first);
  });

  test('draws without a class are undefined; rows without a label are left out', () => {
    const labels = [1, 0, Number.NaN];
    const [[one]] = bootstrapAuc([{ labels, groups: [0, 1, 1], scores: [[2, 1, 9]] }], { groups: 2, resamples: 50 });
    expect(new Set(one)).toEqual(new Set([1, Number.NaN]));
    expect(bootstrapTest(0.5, Float64Array.of(Number.NaN, Number.NaN, Number.NaN, 1))).toBeUndefined();
  });

  test('with every row a group of its own its standard error is that of DeLong', () => {
    const n = 600;
    const labels = Array.from({ length: n }, () => generator.below(2));
    const score = (noise: number) => labels.map((label) => label + noise * generator.normal());
    const [a, b] = [score(1), score(1.5)];
    const [[first, second]] = bootstrapAuc([{ labels, groups: labels.map((_, i) => i), scores: [a, b] }], {
      groups: n,
      resamples: 2000,
    });
    const expected = delongTest(place(a, labels), place(b, labels));
    const found = bootstrapTest(
      expected?.difference as number,
      first.map((x, i) => x - second[i]),
    );
    expect((found?.standardError as number) / (expected?.standardError as number)).toBeGreaterThan(0.93);
    expect((found?.standardError as number) / (expected?.standardError as number)).toBeLessThan(1.07);
    expect(found?.low).toBeCloseTo(expected?.low as number, 2);
    expect(found?.high).toBeCloseTo(expected?.high as number, 2);
  });
});

describe('corrections', () => {
  const p = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });

  test('worked by hand', () => {
    const values = [0.01, 0.04, 0.03, 0.005];
    // In order .005 .01 .03 .04: Holm 4, 3, 2, 1 times, never falling; Benjamini-Hochberg 4/1, 4/2, 4/3, 4/4 times, never rising from the end.
    expect(CORRECTIONS.holm(values).map((x) => Number(x.toFixed(12)))).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(CORRECTIONS['benjamini-hochberg'](values).map((x) => Number(x.toFixed(12)))).toEqual([
      0.02, 0.04, 0.04, 0.02,
    ]);
    expect(CORRECTIONS.none(values)).toEqual(values);
    expect(CORRECTIONS.holm([])).toEqual([]);
  });

  test.each(['holm', 'benjamini-hochberg'] as const)('%s: never below p, never above 1, in the order of p', (name) => {
    fc.assert(
      fc.property(p, (values) => {
        const corrected = CORRECTIONS[name](values);
        values.forEach((value, i) => {
          expect(corrected[i]).toBeGreaterThanOrEqual(value);
          expect(corrected[i]).toBeLessThanOrEqual(1);
          values.forEach((other, j) => {
            if (value <= other) expect(corrected[i]).toBeLessThanOrEqual(corrected[j]);
          });
        });
      }),
    );
  });

  test('which are significant is what the step-down and step-up rules say', () => {
    fc.assert(
      fc.property(p, (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        const n = values.length;
        const alpha = 0.2;
        const firstKept = sorted.findIndex((value, i) => value * (n - i) > alpha);
        const down = firstKept === -1 ? n : firstKept;
        const up = sorted.findLastIndex((value, i) => (n / (i + 1)) * value <= alpha) + 1;
        const rejected = (corrected: number[]): number => corrected.filter((value) => value <= alpha).length;
        expect(rejected(CORRECTIONS.holm(values))).toBe(down);
        expect(rejected(CORRECTIONS['benjamini-hochberg'](values))).toBe(up);
      }),
    );
  });
});
