/** Which cells count in means, and how much. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gridToJson } from '../../src/documents/grid.ts';
import { createGrid, type Grid, type MeansRule, numberOf } from '../../src/evaluate/index.ts';
import { ALL_CELLS, cellWeights, ruleText, weightedMean } from '../../src/evaluate/means.ts';
import { formatGrid } from '../../src/report/grid.ts';

const RULE: MeansRule = { minPositives: 10, minNegatives: 10, weights: 'equal' };

/** Cells of one task: labels of 1 and 0; each second row is scored the wrong way round in a cell that is `bad`. */
async function gridOf(
  cells: { positives: number; negatives: number; bad?: boolean }[],
  means?: MeansRule,
): Promise<Grid> {
  const scenarios = cells.map((_, s) => `s${s}`);
  const grid = createGrid({ scenarios, tasks: ['buy'], hasGroup: true, means });
  cells.forEach(({ positives, negatives, bad = false }, s) => {
    const size = positives + negatives;
    const labels = Float32Array.from({ length: size }, (_, i) => Number(i < positives));
    grid.add({
      size,
      logits: labels.map((label) => (bad ? -label : label)),
      labels,
      scenario: new Int32Array(size).fill(s),
      group: Int32Array.from({ length: size }, (_, i) => i % 3),
    });
  });
  return grid.finish();
}

const auc = ({ macro }: Grid): number | null => numberOf(macro.auc);

test('a cell with one positive does not rule the mean', async () => {
  const cells = [
    { positives: 40, negatives: 60 },
    { positives: 1, negatives: 99, bad: true },
  ];
  expect(auc(await gridOf(cells))).toBe(0.5); // the mean of 1 and 0, as it was
  const grid = await gridOf(cells, RULE);
  expect(auc(grid)).toBe(1);
  expect(grid.cells.map(({ leftOut }) => leftOut)).toEqual([undefined, '1 of 10 positives']);
  expect(numberOf(grid.cells[1].auc)).toBe(0); // its own line stays
  expect(grid.macro.cells).toBe(1);
  const json = gridToJson(grid);
  expect(json.means).toEqual({ ...RULE, fallback: false, cells: 1, of: 2 });
  expect(json.cells.map(({ leftOut }) => leftOut)).toEqual([undefined, '1 of 10 positives']);
  expect(formatGrid(grid)).toContain('mean of 1 of 2 cells: AUC 1.0000');
  expect(formatGrid(grid)).toContain('left out of means: s1 buy (1 of 10 positives)');
});

test('too few negatives count as too few positives do, and all metrics have means over the same cells', async () => {
  const grid = await gridOf(
    [
      { positives: 40, negatives: 60 },
      { positives: 99, negatives: 3, bad: true },
      { positives: 4, negatives: 5, bad: true },
    ],
    RULE,
  );
  expect(grid.cells.map(({ leftOut }) => leftOut)).toEqual([
    undefined,
    '3 of 10 negatives',
    '4 of 10 positives, 5 of 10 negatives',
  ]);
  for (const name of ['auc', 'groupedAuc', 'ndcg', 'map', 'logloss', 'calibrationError'] as const)
    expect(grid.macro[name], name).toEqual(grid.cells[0][name]);
});

test('where no cell has the minimum all count equally, and the table says so', async () => {
  const cells = [
    { positives: 4, negatives: 60 },
    { positives: 1, negatives: 99, bad: true },
  ];
  for (const weights of ['equal', 'positives'] as const) {
    const grid = await gridOf(cells, { ...RULE, weights });
    expect(auc(grid)).toBe(0.5);
    expect(grid.means.fallback).toBe(true);
    expect(grid.cells.every(({ leftOut }) => leftOut === undefined)).toBe(true);
    expect(formatGrid(grid)).toContain('mean of 2 cells: AUC 0.5000');
    expect(formatGrid(grid)).toContain('means are of all cells equally: no cell has 10 positives and 10 negatives');
  }
});

test('cells weigh by their positives on wish', async () => {
  const grid = await gridOf(
    [
      { positives: 30, negatives: 60 },
      { positives: 10, negatives: 60, bad: true },
      { positives: 9, negatives: 60, bad: true },
    ],
    { ...RULE, weights: 'positives' },
  );
  expect(auc(grid)).toBe(0.75);
  expect(formatGrid(grid)).toContain('mean of 2 of 3 cells weighted by positives: AUC 0.7500');
});

test('a cell without labels is left out of means and not listed', async () => {
  const grid = await gridOf(
    [
      { positives: 40, negatives: 60 },
      { positives: 0, negatives: 0 },
    ],
    RULE,
  );
  expect(formatGrid(grid)).not.toContain('left out');
  expect(auc(grid)).toBe(1);
});

test('many cells that are left out are named up to a number', async () => {
  const few = Array.from({ length: 12 }, () => ({ positives: 2, negatives: 20 }));
  const text = formatGrid(await gridOf([{ positives: 40, negatives: 60 }, ...few], RULE));
  expect(text).toContain('s8 buy (2 of 10 positives) and 4 more');
});

describe('laws', () => {
  const cell = fc
    .record({ positives: fc.integer({ min: 0, max: 30 }), negatives: fc.integer({ min: 0, max: 30 }) })
    .map(({ positives, negatives }) => ({ positives, rows: positives + negatives }));
  const rule = fc.record({
    minPositives: fc.integer({ min: 0, max: 20 }),
    minNegatives: fc.integer({ min: 0, max: 20 }),
    weights: fc.constantFrom('equal' as const, 'positives' as const),
  });

  test('where every cell has the minimum, the mean has the bits of the plain one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, fc.double({ noNaN: true, min: 0, max: 1 })), { minLength: 1 }), (cells) => {
        const { weights } = cellWeights(
          cells.map(([{ positives, rows }]) => ({ positives: positives + 10, rows: rows + 20 })),
          RULE,
        );
        const values = cells.map(([, value]) => value);
        expect(weightedMean(values, weights)).toBe(values.reduce((sum, x) => sum + x, 0) / values.length);
      }),
    );
  });

  test('a cell counts exactly if it has the minimum, unless none does', () => {
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), rule, (cells, given) => {
        const { weights, fallback } = cellWeights(cells, given);
        const passes = cells.map(
          ({ positives, rows }) =>
            positives >= given.minPositives &&
            rows - positives >= given.minNegatives &&
            (given.weights === 'equal' || positives > 0),
        );
        expect(fallback).toBe(!passes.includes(true));
        expect(weights.map((weight) => weight > 0)).toEqual(fallback ? cells.map(() => true) : passes);
      }),
    );
  });
});

test('a rule in words', () => {
  expect(ruleText(ALL_CELLS)).toBe('all cells');
  expect(ruleText(RULE)).toBe('cells with at least 10 positives and 10 negatives');
  expect(ruleText({ minPositives: 1, minNegatives: 0, weights: 'positives' })).toBe(
    'cells with at least 1 positive and 0 negatives, weighted by their positives',
  );
});
