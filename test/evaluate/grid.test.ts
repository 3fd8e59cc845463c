import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random, shuffle } from '../../src/base/random.ts';
import { gridToJson } from '../../src/documents/grid.ts';
import { calibrationError, createGrid, logloss, type Metric, numberOf } from '../../src/evaluate/index.ts';
import { cellRows, evaluate, pairwiseAuc, type Rows, rowsOf } from './helpers.ts';

const close = (found: number, expected: number) =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)));

/** Both undefined, or both within 1e-12. */
const agree = (found: Metric, expected: number | undefined) => {
  if (expected === undefined) expect(numberOf(found)).toBeNull();
  else close(numberOf(found) ?? Number.NaN, expected);
};

test('every metric of every cell agrees with brute force over the rows', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf(60), async (rows) => {
      const grid = await evaluate(rows);
      for (const cell of grid.cells) {
        const task = rows.tasks.indexOf(cell.task);
        const scenario = rows.scenarios.indexOf(cell.scenario);
        const own = cellRows(rows, scenario, task);
        const probabilities = own.map(({ logit }) => 1 / (1 + Math.exp(-logit)));
        const labels = own.map(({ label }) => label);
        const mean = (values: number[]) =>
          values.length === 0 ? undefined : values.reduce((sum, x) => sum + x, 0) / values.length;

        expect([cell.rows, cell.positives]).toEqual([own.length, labels.filter((label) => label === 1).length]);
        expect(cell.rows + cell.unlabelled).toBe(rows.scenario.filter((of) => of === scenario).length);
        agree(cell.auc, pairwiseAuc(own));
        agree(cell.positiveRate, mean(labels));
        agree(cell.meanProbability, mean(probabilities));
        const clipped = probabilities.map((p) => Math.min(Math.max(p, 2 ** -52), 1 - 2 ** -52));
        agree(cell.logloss, mean(clipped.map((p, i) => -Math.log(labels[i] === 1 ? p : 1 - p))));
        agree(cell.calibrationError, bucketwiseError(probabilities, labels));

        const groups = [0, 1, 2, 3, 4].map((group) => own.filter((row) => row.group === group));
        const mixed = groups.filter((group) => pairwiseAuc(group) !== undefined);
        const size = mixed.flat().length;
        agree(
          cell.groupedAuc,
          size === 0 ? undefined : mixed.reduce((sum, group) => sum + (group.length * pairwiseAuc(group)!) / size, 0),
        );
      }
    }),
    { numRuns: 200 },
  );
});

/** Expected calibration error as the papers write it: sum over buckets of n_b / n * |mean label - mean probability|. */
function bucketwiseError(probabilities: number[], labels: number[]): number | undefined {
  if (labels.length === 0) return undefined;
  let error = 0;
  for (let bucket = 0; bucket < 20; bucket++) {
    const members = probabilities.flatMap((p, i) => (Math.min(19, Math.floor(p * 20)) === bucket ? [i] : []));
    if (members.length === 0) continue;
    const mean = (of: ArrayLike<number>) => members.reduce((sum, i) => sum + of[i], 0) / members.length;
    error += (members.length / labels.length) * Math.abs(mean(labels) - mean(probabilities));
  }
  return error;
}

test('spilled to disk in runs of any size, the grid has the same bits', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf(80), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 30 }), async (...drawn) => {
      const [rows, memoryRows, batchSize] = drawn;
      expect(await evaluate(rows, { memoryRows, batchSize })).toEqual(await evaluate(rows));
    }),
    { numRuns: 100 },
  );
});

test('runs larger than a block of reading are merged to the same bits', async () => {
  const generator = random('large');
  const size = 150_000;
  const batch = {
    size,
    logits: Float32Array.from({ length: size }, () => Math.round(generator.normal() * 1e4)),
    labels: Float32Array.from({ length: size }, () => generator.below(2)),
    scenario: new Int32Array(size),
    group: Int32Array.from({ length: size }, () => generator.below(20_000) - 1),
  };
  const grids = [undefined, 140_000].map((memoryRows) => {
    const grid = createGrid({ scenarios: ['home'], tasks: ['click'], hasGroup: true, memoryRows });
    grid.add(batch);
    return grid.finish();
  });
  expect(await grids[1]).toEqual(await grids[0]);
});

test('the order of the rows does not change a bit', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf(60), fc.integer(), async (rows, seed) => {
      const order = Int32Array.from(rows.scenario.keys());
      shuffle(order, random('rows', seed));
      const shuffled = { ...rows };
      for (const name of ['logits', 'labels'] as const) shuffled[name] = Array.from(order, (i) => rows[name][i]);
      for (const name of ['scenario', 'group'] as const) shuffled[name] = Array.from(order, (i) => rows[name][i]);
      expect(await evaluate(shuffled)).toEqual(await evaluate(rows));
    }),
    { numRuns: 60 },
  );
});

test('a strictly increasing map of the logits leaves AUC and the metrics of groups as they are', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf(60), async (rows) => {
      const finite = {
        ...rows,
        logits: rows.logits.map((of) => of.map((x) => Math.round(Math.max(-99, Math.min(99, x))))),
      };
      const mapped = { ...finite, logits: finite.logits.map((of) => of.map((x) => Math.atan(x) * 2 ** 20 + x)) };
      const [before, after] = [await evaluate(finite), await evaluate(mapped)];
      for (const name of ['auc', 'groupedAuc', 'ndcg', 'map'] as const) {
        expect(after.cells.map((cell) => cell[name])).toEqual(before.cells.map((cell) => cell[name]));
      }
    }),
    { numRuns: 60 },
  );
});

const row = (logit: number, label: number, group = 0) => ({ logit, label, group });
const oneCell = (rows: { logit: number; label: number; group: number }[], hasGroup = true): Rows => ({
  scenarios: ['home'],
  tasks: ['click'],
  hasGroup,
  logits: rows.map(({ logit }) => [logit]),
  labels: rows.map(({ label }) => [label]),
  scenario: rows.map(() => 0),
  group: rows.map(({ group }) => group),
});

test('undefined metrics carry their reason', async () => {
  const reasons = async (rows: Rows) => gridToJson(await evaluate(rows)).cells[0].reasons;
  const noRows = 'no row has a label';
  expect(await reasons(oneCell([row(1, Number.NaN)]))).toEqual({
    auc: noRows,
    logloss: noRows,
    groupedAuc: 'no group has both a 0 and a 1',
    ndcg: 'no group has a 1',
    map: 'no group has a 1',
    calibrationError: noRows,
    positiveRate: noRows,
    meanProbability: noRows,
  });
  expect(await reasons(oneCell([row(1, 1), row(2, 1)]))).toMatchObject({ auc: 'all labels are 1' });
  expect(await reasons(oneCell([row(1, 0)], false))).toEqual({
    auc: 'all labels are 0',
    groupedAuc: 'the data set has no group key',
    ndcg: 'the data set has no group key',
    map: 'the data set has no group key',
  });
  expect(await reasons(oneCell([row(1, 0, 1), row(2, 1, 2), row(3, 0, -1), row(4, 1, -1)]))).toEqual({
    groupedAuc: 'no group has both a 0 and a 1',
  });
  const notANumber = 'some scores are not a number';
  expect(await reasons(oneCell([row(1, 0), row(Number.NaN, 1), row(2, 1)]))).toEqual({
    auc: notANumber,
    logloss: notANumber,
    groupedAuc: notANumber,
    ndcg: notANumber,
    map: notANumber,
    calibrationError: notANumber,
    meanProbability: notANumber,
  });
});

test('macro means are over the cells in which a metric is defined', async () => {
  const grid = await evaluate({
    ...oneCell([row(1, 1), row(0, 0), row(0, 1), row(0, 0), row(5, 1)], false),
    scenarios: ['home', 'search', 'detail'],
    scenario: [0, 0, 1, 1, 2],
  });
  expect(grid.cells.map((cell) => numberOf(cell.auc))).toEqual([1, 0.5, null]);
  expect(grid.macro).toMatchObject({ auc: { value: 0.75 }, cells: 2, groupedAuc: { undefined: expect.any(String) } });
  const losses = grid.cells.map((cell) => numberOf(cell.logloss) ?? Number.NaN);
  close(numberOf(grid.macro.logloss) ?? Number.NaN, (losses[0] + losses[1] + losses[2]) / 3);
});

test('what was spilled is gone after finish, and after dispose', async () => {
  const tempFolder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  try {
    const options = { scenarios: ['home'], tasks: ['click'], hasGroup: false, memoryRows: 2, tempFolder };
    const batch = {
      size: 3,
      logits: Float32Array.of(1, 2, 3),
      labels: Float32Array.of(0, 1, 0),
      scenario: new Int32Array(3),
      group: new Int32Array(3).fill(-1),
    };
    const [finished, dropped] = [createGrid(options), createGrid(options)];
    for (const grid of [finished, dropped]) grid.add(batch);
    expect((await finished.finish()).macro.auc).toEqual({ value: 0.5 });
    dropped.dispose();
    dropped.dispose();
    expect(readdirSync(tempFolder)).toEqual([]);
  } finally {
    rmSync(tempFolder, { recursive: true });
  }
});

test('a temporary folder that cannot be written is named', () => {
  const tempFolder = join(tmpdir(), 'tributary-no-such-folder');
  expect(existsSync(tempFolder)).toBe(false);
  const grid = createGrid({ scenarios: ['home'], tasks: ['click'], hasGroup: false, memoryRows: 1, tempFolder });
  const [one, zero] = [Float32Array.of(1), Int32Array.of(0)];
  expect(() => grid.add({ size: 1, logits: one, labels: one, scenario: zero, group: zero })).toThrow(
    expect.objectContaining({ code: 'FILE_UNWRITABLE', message: expect.stringContaining(tempFolder) }),
  );
});

test('the plain functions agree with the grid', async () => {
  await fc.assert(
    fc.asyncProperty(rowsOf(60), async (rows) => {
      const [cell] = (await evaluate(rows)).cells;
      const own = cellRows(rows, 0, 0);
      const probabilities = own.map(({ logit }) => 1 / (1 + Math.exp(-logit)));
      const labels = own.map(({ label }) => label);
      agree(cell.logloss, numberOf(logloss(probabilities, labels)) ?? undefined);
      agree(cell.calibrationError, numberOf(calibrationError(probabilities, labels)) ?? undefined);
    }),
  );
});
