/** Boosted trees against exhaustive search, and on functions whose best logits are known. */
import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../src/base/random.ts';
import { auc, sigmoid } from '../../src/evaluate/index.ts';
import { type BinnedRows, BOOST_DEFAULTS, boost, forestLogit } from '../../src/yardsticks/trees/boost.ts';
import type { Feature, TreeOptions } from '../../src/yardsticks/trees/contract.ts';
import { growTree } from '../../src/yardsticks/trees/grow.ts';

const OPTIONS: TreeOptions = { leaves: 2, learningRate: 1, l2: 0.7, categoryL2: 0.4, minChildWeight: 1.5 };

/** Gain of the best split: every threshold with missing values on either side, every set of categories. */
function exhaustive(bins: Uint8Array, features: Feature[], g: Float64Array, h: Float64Array): number {
  const width = features.length;
  const score = (rows: number[], l2: number): number =>
    rows.reduce((sum, row) => sum + g[row], 0) ** 2 / (rows.reduce((sum, row) => sum + h[row], 0) + l2);
  const all = Array.from(g, (_, row) => row);
  let best = 0;
  for (const [f, { kind, bins: count }] of features.entries()) {
    const sets =
      kind === 'categorical'
        ? Array.from({ length: 2 ** count }, (_, set) => (bin: number) => ((set >> bin) & 1) === 1)
        : [true, false].flatMap((missing) =>
            Array.from({ length: count }, (_, edge) => (bin: number) => (bin === 0 ? missing : bin <= edge)),
          );
    const l2 = OPTIONS.l2 + (kind === 'categorical' ? OPTIONS.categoryL2 : 0);
    for (const isLeft of sets) {
      const left = all.filter((row) => isLeft(bins[row * width + f]));
      const right = all.filter((row) => !isLeft(bins[row * width + f]));
      const weights = [left, right].map((rows) => rows.reduce((sum, row) => sum + h[row], 0));
      if (Math.min(...weights) < OPTIONS.minChildWeight) continue;
      best = Math.max(best, score(left, l2) + score(right, l2) - score(all, l2));
    }
  }
  return best;
}

describe('one split', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('has the gain that exhaustive search finds (seed %i)', (seed) => {
    const draw = random('split', seed);
    const features: Feature[] = [
      { name: 'number', kind: 'ordered', bins: 7 },
      { name: 'category', kind: 'categorical', bins: 6 },
    ].slice(seed % 2) as Feature[];
    const n = 300;
    // As many rows of each category, of equal weight: then smoothing does not change their order, and the search is exact.
    const bins = Uint8Array.from({ length: n * features.length }, (_, i) => {
      const { kind, bins: count } = features[i % features.length];
      return kind === 'categorical' ? Math.floor(i / features.length) % count : draw.below(count);
    });
    const first = Float64Array.from({ length: n }, () => draw.normal());
    const second = new Float64Array(n).fill(0.2);
    const rows = Int32Array.from({ length: n }, (_, i) => i);
    const { leaves, tree } = growTree(bins, features, rows, { first, second }, OPTIONS);
    const l2 = OPTIONS.l2 + (features[tree.feature[0]].kind === 'categorical' ? OPTIONS.categoryL2 : 0);
    const score = (from: number, to: number): number => {
      const own = [...rows.subarray(from, to)];
      return own.reduce((sum, row) => sum + first[row], 0) ** 2 / (0.2 * own.length + l2);
    };
    const gain = leaves.reduce((sum, { from, to }) => sum + score(from, to), 0) - score(0, n);
    const expected = exhaustive(bins, features, first, second);
    expect(gain).toBeCloseTo(expected, 9);
  });
});

test('leaves hold the optimum of the second-order loss, and partition the rows', () => {
  const draw = random('leaves', 1);
  const features: Feature[] = [{ name: 'x', kind: 'ordered', bins: 20 }];
  const bins = Uint8Array.from({ length: 500 }, () => draw.below(20));
  const first = Float64Array.from(bins, (bin) => Math.sin(bin) + 0.1 * draw.normal());
  const second = Float64Array.from(bins, () => 0.1 + draw.uniform());
  const rows = Int32Array.from({ length: 500 }, (_, i) => i);
  const { leaves, tree } = growTree(
    bins,
    features,
    rows,
    { first, second },
    { ...OPTIONS, leaves: 8, learningRate: 0.5 },
  );
  expect(leaves).toHaveLength(8);
  expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  for (const { from, to, value } of leaves) {
    const own = [...rows.subarray(from, to)];
    const [g, h] = [first, second].map((of) => own.reduce((sum, row) => sum + of[row], 0));
    expect(value).toBeCloseTo((-0.5 * g) / (h + OPTIONS.l2), 12);
    expect(tree.value).toContain(value);
  }
});

describe('boosting', () => {
  const features: Feature[] = [
    { name: 'a', kind: 'ordered', bins: 17 },
    { name: 'b', kind: 'ordered', bins: 17 },
    { name: 'c', kind: 'categorical', bins: 8 },
  ];
  interface Sample extends BinnedRows {
    labels: Float32Array;
    truth: number[];
  }
  function sample(logit: (a: number, b: number, c: number) => number, draw: Random, n: number): Sample {
    const bins = Uint8Array.from({ length: 3 * n }, (_, i) => draw.below(features[i % 3].bins));
    const truth = Array.from({ length: n }, (_, row) => logit(bins[3 * row], bins[3 * row + 1], bins[3 * row + 2]));
    const labels = Float32Array.from(truth, (x) => Number(draw.uniform() < sigmoid(x)));
    return { rows: n, bins, labels, weight: new Float32Array(n).fill(1), truth };
  }
  const aucOf = (scores: ArrayLike<number>, rows: BinnedRows): number => {
    const found = auc(Float32Array.from(scores), Uint8Array.from(rows.labels));
    return 'value' in found ? found.value : Number.NaN;
  };
  const odd = [1, -1, 1, -1, -1, 1, 1, -1];

  test.each([
    ['a sum of functions', (a: number, b: number, c: number) => Math.sin(a / 3) + 0.15 * (b - 8) + odd[c]],
    ['a product that no sum has', (a: number, b: number) => (a < 8 === b < 8 ? 1.5 : -1.5)],
    ['a missing value that says something', (a: number, _: number, c: number) => (a === 0 ? 3 : odd[c])],
    ['a category by a number', (a: number, _: number, c: number) => odd[c] * (a - 8) * 0.3],
  ])('comes near the best AUC on %s', (_, logit) => {
    const draw = random('boost', 3);
    const [train, validation, test] = [8000, 3000, 6000].map((n) => sample(logit, draw, n));
    const forest = boost(features, train, validation);
    const found = aucOf(
      Array.from({ length: 6000 }, (_, row) => forestLogit(forest, test.bins, row)),
      test,
    );
    expect(aucOf(test.truth, test) - found).toBeLessThan(0.02);
  });

  test('grows no forest on noise, and gives the mean rate there', () => {
    const draw = random('noise', 1);
    const [train, validation] = [4000, 2000].map((n) => sample(() => -1, draw, n));
    const forest = boost(features, train, validation);
    expect(forest.trees.length).toBeLessThan(8);
    const off = Array.from({ length: 2000 }, (_, row) =>
      Math.abs(sigmoid(forestLogit(forest, validation.bins, row)) - sigmoid(-1)),
    );
    expect(off.reduce((sum, one) => sum + one) / 2000).toBeLessThan(0.05);
  });

  test('rows without a label do not count, and a weight counts as often as it says', () => {
    const draw = random('weights', 1);
    const [train, validation] = [1000, 500].map((n) => sample((a) => (a - 8) / 3, draw, n));
    const twice = {
      rows: 2000,
      bins: Uint8Array.from([...train.bins, ...train.bins]),
      labels: [...train.labels, ...train.labels],
      weight: new Float32Array(2000).fill(1),
    };
    const weighted = { ...train, weight: new Float32Array(1000).fill(2) };
    const holes = {
      ...twice,
      weight: twice.weight.map(() => 2),
      labels: [...train.labels, ...train.labels.map(() => Number.NaN)],
    };
    const options = { ...BOOST_DEFAULTS, trees: 20 };
    const logits = (rows: BinnedRows): number[] => {
      const forest = boost(features, rows, validation, options);
      return Array.from({ length: 500 }, (_, row) => forestLogit(forest, validation.bins, row));
    };
    const [a, b, c] = [twice, weighted, holes].map(logits);
    for (const [i, logit] of a.entries()) expect(logit).toBeCloseTo(b[i], 9);
    expect(c).toEqual(b);
    expect(logits(holes)).toEqual(c);
  });

  test('a task without labels, or with one class, has finite logits', () => {
    const draw = random('empty', 1);
    const rows = sample(() => 0, draw, 100);
    for (const label of [Number.NaN, 0, 1]) {
      const one = { ...rows, labels: new Float32Array(100).fill(label) };
      expect(Number.isFinite(forestLogit(boost(features, one, one), rows.bins, 0))).toBe(true);
    }
  });
});
