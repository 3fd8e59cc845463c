/** NDCG@k and MAP@k against every order of tied rows, and against the formulas on untied ones. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGrid, numberOf } from '../../src/evaluate/index.ts';
import { TopOfList } from '../../src/evaluate/ranking.ts';

interface Row {
  logit: number;
  label: number;
}

/** The metrics of one order of the labels, as the papers define them. */
function metricsOf(labels: readonly number[], k: number): { ndcg: number; map: number } {
  const positives = labels.filter((label) => label === 1).length;
  const gain = (list: readonly number[]): number =>
    list.slice(0, k).reduce((sum, label, i) => sum + (2 ** label - 1) / Math.log2(i + 2), 0);
  const precisionAt = (rank: number): number => labels.slice(0, rank).filter((label) => label === 1).length / rank;
  const precisions = labels.slice(0, k).map((label, i) => (label === 1 ? precisionAt(i + 1) : 0));
  return {
    ndcg: gain(labels) / gain(labels.toSorted((a, b) => b - a)),
    map: precisions.reduce((sum, p) => sum + p, 0) / Math.min(positives, k),
  };
}

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [i, item] of items.entries())
    for (const rest of permutations(items.toSpliced(i, 1))) yield [item, ...rest];
}

/** Means over every order in which no row stands behind one with a lower logit. */
function overAllOrders(rows: readonly Row[], k: number): { ndcg: number; map: number } | undefined {
  if (rows.every(({ label }) => label === 0)) return undefined;
  let [orders, ndcg, map] = [0, 0, 0];
  for (const order of permutations(rows)) {
    if (order.some(({ logit }, i) => i > 0 && order[i - 1].logit < logit)) continue;
    const found = metricsOf(
      order.map(({ label }) => label),
      k,
    );
    ndcg += found.ndcg;
    map += found.map;
    orders++;
  }
  return { ndcg: ndcg / orders, map: map / orders };
}

const row = fc.record({ logit: fc.integer({ min: 0, max: 3 }), label: fc.constantFrom(0, 0, 1) });
const k = fc.integer({ min: 1, max: 7 });

/** One list through the counter: rows of equal logits together, from the lowest up. */
function list(counter: TopOfList, rows: readonly Row[]): ReturnType<TopOfList['end']> {
  for (const logit of [...new Set(rows.map((one) => one.logit))].sort((a, b) => a - b)) {
    const tied = rows.filter((one) => one.logit === logit);
    counter.add(tied.filter(({ label }) => label === 1).length, tied.length);
  }
  return counter.end();
}

test('a list with ties has the expected value over all orders of tied rows', () => {
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 3 }), k, (lists, most) => {
      const counter = new TopOfList(most);
      for (const rows of lists) {
        const expected = overAllOrders(rows, most);
        const found = list(counter, rows);
        if (expected === undefined) expect(found).toBeUndefined();
        else {
          expect(found?.ndcg).toBeCloseTo(expected.ndcg, 12);
          expect(found?.map).toBeCloseTo(expected.map, 12);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a long list without ties is that of the formulas, and its lower rows take no memory', () => {
  const labels = Array.from({ length: 3000 }, (_, i) => Number((i * 7919) % 13 === 0));
  for (const most of [1, 10, 1000, 5000]) {
    const counter = new TopOfList(most);
    for (const label of labels) counter.add(label, 1);
    const expected = metricsOf(labels.toReversed(), most);
    const found = counter.end();
    expect(found?.ndcg).toBeCloseTo(expected.ndcg, 12);
    expect(found?.map).toBeCloseTo(expected.map, 12);
  }
});

test('by hand: labels 1, 0, 1 in this order, k 2 and 3', () => {
  const rows = [3, 2, 1].map((logit, i) => ({ logit, label: [1, 0, 1][i] }));
  expect(list(new TopOfList(2), rows)).toEqual({ ndcg: 1 / (1 + 1 / Math.log2(3)), map: 1 / 2 });
  const third = (1 + 1 / 2) / (1 + 1 / Math.log2(3));
  const found = list(new TopOfList(3), rows);
  expect(found?.ndcg).toBeCloseTo(third, 14);
  expect(found?.map).toBeCloseTo((1 + 2 / 3) / 2, 14);
});

test('a perfect list has exactly 1, and the metrics stay within 0 and 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 30 }), k, (positives, negatives, most) => {
      const rows = Array.from({ length: positives + negatives }, (_, i) => ({
        logit: -i,
        label: Number(i < positives),
      }));
      expect(list(new TopOfList(most), rows)).toEqual({ ndcg: 1, map: 1 });
      const worst = list(
        new TopOfList(most),
        rows.map(({ logit, label }) => ({ logit: -logit, label })),
      );
      for (const value of Object.values(worst ?? {})) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('a cell has the mean over its groups with a positive; rows without a group count in none', async () => {
  const groups = fc.integer({ min: -1, max: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(row, groups), { maxLength: 14 }), k, async (rows, most) => {
      const grid = createGrid({ scenarios: ['home'], tasks: ['click'], hasGroup: true, k: most });
      grid.add({
        size: rows.length,
        logits: Float32Array.from(rows, ([{ logit }]) => logit),
        labels: Float32Array.from(rows, ([{ label }]) => label),
        scenario: new Int32Array(rows.length),
        group: Int32Array.from(rows, ([, group]) => group),
      });
      const [cell] = (await grid.finish()).cells;
      const lists = [0, 1, 2, 3].flatMap((group) => {
        const own = rows.filter(([, of]) => of === group).map(([one]) => one);
        return own.length > 6 ? [list(new TopOfList(most), own)] : [overAllOrders(own, most)];
      });
      const defined = lists.filter((of) => of !== undefined);
      for (const name of ['ndcg', 'map'] as const)
        if (defined.length === 0) expect(numberOf(cell[name])).toBeNull();
        else
          expect(numberOf(cell[name])).toBeCloseTo(defined.reduce((sum, of) => sum + of[name], 0) / defined.length, 12);
    }),
    { numRuns: 100 },
  );
});
