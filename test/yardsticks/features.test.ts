/** What trees see of prepared rows, logistic regression, and the paired interval. */
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import type { PreparedField } from '../../src/data/encode/ids.ts';
import { auc, createGrid, numberOf, sigmoid } from '../../src/evaluate/index.ts';
import { bestOf, marginOver, ScoreSample } from '../../src/yardsticks/interval.ts';
import { fitLogistic } from '../../src/yardsticks/logistic.ts';
import { fitPriors } from '../../src/yardsticks/priors.ts';
import type { LabelledRows } from '../../src/yardsticks/rows.ts';
import { boost, forestLogit } from '../../src/yardsticks/trees/boost.ts';
import { numbersOf, taskFeatures } from '../../src/yardsticks/trees/features.ts';

const field = (name: string, kind: PreparedField['kind'], offset: number, size: number, slots = 1): PreparedField => ({
  name,
  kind,
  offset,
  size,
  slots,
  pooling: 'mean',
});

/** An id with 500 values, a number in 5 buckets, up to two words of 4. */
const FIELDS = [
  field('id', 'categorical', 0, 502),
  field('number', 'numeric', 502, 7),
  field('words', 'multi', 509, 6, 2),
];
const SLOTS = 4;
const TABLE_ROWS = 515;
/** Ids of numbers follow their frequency, not their value. */
const NUMBERS = [undefined, await numbersOf(FIELDS[1], async () => ['', '', '3', '0', '4', '1', '2']), undefined];

function rowsOf(n: number, seed: number, logit: (ids: Int32Array, scenario: number) => number): LabelledRows {
  const draw = random('rows', seed);
  const ids = new Int32Array(n * SLOTS);
  const scenario = new Int32Array(n);
  const labels = new Float32Array(n);
  for (let row = 0; row < n; row++) {
    const second = draw.below(2) === 0 ? 0 : 2 + draw.below(4);
    ids.set([2 + draw.below(500), 502 + 1 + draw.below(6), 509 + 2 + draw.below(4), 509 + second], row * SLOTS);
    scenario[row] = draw.below(2);
    const p = sigmoid(logit(ids.subarray(row * SLOTS, (row + 1) * SLOTS), scenario[row]));
    labels[row] = Number(draw.uniform() < p);
  }
  return { size: n, ids, scenario, labels, weight: new Float32Array(n).fill(1) };
}

const aucOf = (scores: ArrayLike<number>, { labels }: LabelledRows): number =>
  numberOf(auc(Float32Array.from(scores), Uint8Array.from(labels))) ?? Number.NaN;

test('rates have an order, as numbers have, and other fields none', async () => {
  const tokens = async (): Promise<string[]> => ['', '', '0', '1'];
  expect(await numbersOf(field('rate', 'rate', 0, 4), tokens)).toEqual(Float64Array.of(Number.NaN, Number.NaN, 0, 1));
  for (const { kind } of [FIELDS[0], FIELDS[2]])
    expect(await numbersOf(field('f', kind, 0, 4), tokens)).toBeUndefined();
});

test('numbers are in order of their value, missing ones apart', () => {
  const rows = rowsOf(2000, 1, () => 0);
  const { train, features, encode } = taskFeatures(FIELDS, NUMBERS, 2, rows, 0);
  expect(features.map(({ name, kind }) => [name, kind])).toEqual([
    ['scenario', 'categorical'],
    ['id', 'ordered'],
    ['number', 'ordered'],
    ['words', 'ordered'],
  ]);
  const bins = new Map(Array.from({ length: 2000 }, (_, row) => [rows.ids[row * SLOTS + 1] - 502, train[row * 4 + 2]]));
  expect([1, 3, 5, 6, 2, 4].map((id) => bins.get(id))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(encode(rows).filter((_, i) => i % 4 === 2)).toEqual(train.filter((_, i) => i % 4 === 2));
});

describe('rates of ids', () => {
  test('do not tell a row its own label', () => {
    const noise = rowsOf(3000, 2, () => 0);
    const { train } = taskFeatures(FIELDS, NUMBERS, 2, noise, 0);
    const rates = train.filter((_, i) => i % 4 === 1);
    expect(Math.abs(aucOf(rates, noise) - 0.5)).toBeLessThan(0.03);
  });

  test('carry what ids say', () => {
    const draw = random('effects');
    const effects = Array.from({ length: 510 }, () => draw.normal());
    const [train, validation, holdout] = [20_000, 4000, 4000].map((n, i) => rowsOf(n, 3 + i, ([id]) => effects[id]));
    const own = taskFeatures(FIELDS, NUMBERS, 2, train, 0);
    const binned = (rows: LabelledRows, bins: Uint8Array) => ({ ...rows, rows: rows.size, bins });
    const forest = boost(own.features, binned(train, own.train), binned(validation, own.encode(validation)));
    const bins = own.encode(holdout);
    const found = aucOf(
      Array.from({ length: 4000 }, (_, row) => forestLogit(forest, bins, row)),
      holdout,
    );
    const best = aucOf(
      Array.from({ length: 4000 }, (_, row) => effects[holdout.ids[row * SLOTS]]),
      holdout,
    );
    expect(best - found).toBeLessThan(0.04);
  });
});

const SIZES = { scenarios: 2, tasks: 1, tableRows: TABLE_ROWS };

describe('logistic regression', () => {
  test('finds effects that differ between scenarios', () => {
    const logit = (ids: Int32Array, scenario: number): number =>
      (scenario === 0 ? 1.2 : -1.2) * (ids[1] % 2 === 0 ? 1 : -1);
    const [train, validation, holdout] = [20_000, 4000, 4000].map((n, i) => rowsOf(n, 10 + i, logit));
    const found = fitLogistic(FIELDS, SIZES, train, validation).logits(holdout);
    const best = Array.from({ length: 4000 }, (_, row) =>
      logit(holdout.ids.subarray(row * SLOTS, (row + 1) * SLOTS), holdout.scenario[row]),
    );
    expect(aucOf(best, holdout) - aucOf(found, holdout)).toBeLessThan(0.02);
  });

  test('repeats bit for bit, and learns nothing from noise', () => {
    const [train, validation] = [2000, 1000].map((n, i) => rowsOf(n, 20 + i, () => -1));
    const logits = () => fitLogistic(FIELDS, SIZES, train, validation).logits(validation);
    expect(logits()).toEqual(logits());
    const loss = (of: Float32Array) => {
      const grid = createGrid({ scenarios: ['a', 'b'], tasks: ['t'], hasGroup: false });
      grid.add({ ...validation, logits: of, group: new Int32Array(1000).fill(-1) });
      return grid.finish();
    };
    return Promise.all([loss(logits()), loss(fitPriors(train, 2, 1).logits(validation))]).then(([own, priors]) =>
      expect(numberOf(own.macro.logloss) ?? 1).toBeLessThan((numberOf(priors.macro.logloss) ?? 0) + 0.01),
    );
  });
});

test('the margin over a yardstick has the difference of the grids, and an interval that contains it', async () => {
  const rows = rowsOf(4000, 30, ([, number]) => (number - 505) / 2);
  const draw = random('scores');
  const good = Float32Array.from({ length: 4000 }, (_, row) => rows.ids[row * SLOTS + 1] + draw.normal());
  const bad = good.map((score) => score + 6 * draw.normal());
  const measured = [];
  for (const logits of [bad, good]) {
    const batch = {
      ...rows,
      group: Int32Array.from({ length: 4000 }, (_, i) => i % 500),
      row: Int32Array.from(good.keys()),
    };
    const grid = createGrid({ scenarios: ['a', 'b'], tasks: ['t'], hasGroup: true });
    grid.add({ ...batch, logits });
    const sample = new ScoreSample(4000, 1);
    sample.add(batch, logits);
    measured.push({ sample, grid: await grid.finish() });
  }
  expect(bestOf(measured)).toBe(measured[1]);
  const rule = { minPositives: 10, minNegatives: 10, weights: 'equal' } as const;
  const margin = marginOver(measured[1], measured[0], rule);
  const [low, high] = measured.map(({ grid }) => numberOf(grid.macro.auc) ?? 0);
  expect(margin?.difference).toBeCloseTo(high - low, 12);
  expect(margin?.low).toBeGreaterThan(0);
  // Each cell has its own interval.
  for (const [i, cell] of (margin?.cells ?? []).entries()) {
    const [other, own] = measured.map(({ grid }) => numberOf(grid.cells[i].auc) ?? 0);
    expect(cell?.auc.value).toBe(own);
    expect(cell?.auc.low).toBeLessThan(own);
    expect(cell?.difference.value).toBeCloseTo(own - other, 12);
    expect(cell?.difference.low).toBeGreaterThan(0);
  }
  const same = marginOver(measured[1], measured[1], rule);
  expect(same?.difference).toBe(0);
});
test('a logistic regression starts from the weighted rates of the scenarios', () => {
  // So few rows hardly move it. Positives count nine times as much.
  const rows = rowsOf(20, 5, () => 0);
  const weighted = { ...rows, weight: rows.labels.map((label) => (label === 1 ? 9 : 1)) };
  const sizes = { scenarios: 2, tasks: 1, tableRows: TABLE_ROWS };
  const rates = fitPriors(weighted, 2, 1).logits(weighted);
  const logits = fitLogistic([], sizes, weighted, { ...weighted, size: 0 }).logits(weighted);
  logits.forEach((logit, row) => void expect(Math.abs(logit - rates[row])).toBeLessThan(0.3));
});
