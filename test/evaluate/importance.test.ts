import { expect, test } from 'vitest';
import { mean } from '../../src/base/numbers.ts';
import { type Random, random, shuffle } from '../../src/base/random.ts';
import { effectOf, meanOverCells } from '../../src/evaluate/clustered.ts';
import { cellImportance } from '../../src/evaluate/importance.ts';
import { auc } from '../../src/evaluate/index.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

interface Rows {
  size: number;
  /** Values of a field that the labels follow, and of one that the model follows by mistake. */
  real: Float64Array;
  noise: Float64Array;
  labels: Uint8Array;
  group: Int32Array;
  groups: number;
}

/** Rows in groups of 5 that share the values of both fields and a taste that no field knows. */
function draw(generator: Random, size: number): Rows {
  const groups = size / 5;
  const values = Array.from({ length: groups }, () => [generator.normal(), generator.normal(), generator.normal()]);
  const group = Int32Array.from({ length: size }, (_, i) => Math.floor(i / 5));
  return {
    size,
    real: Float64Array.from(group, (g) => values[g][0]),
    noise: Float64Array.from(group, (g) => values[g][1]),
    labels: Uint8Array.from(group, (g) => Number(generator.uniform() < sigmoid(values[g][0] + values[g][2] - 0.5))),
    group,
    groups,
  };
}

const logitsOf = (rows: Rows, real = rows.real, noise = rows.noise): Float64Array =>
  Float64Array.from({ length: rows.size }, (_, i) => real[i] + 0.5 * noise[i] - 0.5);

function shuffled(rows: Rows, generator: Random): Int32Array {
  const source = Int32Array.from({ length: rows.size }, (_, i) => i);
  shuffle(source, generator);
  return source;
}

const allRows = (rows: Rows) => ({ rows: Int32Array.from({ length: rows.size }, (_, i) => i), labels: rows.labels });

function measure(rows: Rows, field: 'real' | 'noise', generator: Random, repeats = 3) {
  const cell = cellImportance(allRows(rows), logitsOf(rows), rows);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const source = shuffled(rows, generator);
    const moved = Float64Array.from(source, (row) => rows[field][row]);
    cell.add(field === 'real' ? logitsOf(rows, moved) : logitsOf(rows, rows.real, moved), source);
  }
  const found = cell.finish();
  if (found === undefined) throw new Error('a class has no row');
  return { auc: effectOf(found.auc), logloss: effectOf(found.logloss) };
}

test('is the AUC and the log loss before minus after, in the mean over the shuffles', () => {
  const generator = random('importance by hand');
  const rows = draw(generator, 200);
  const base = logitsOf(rows);
  const cell = cellImportance(allRows(rows), base, rows);
  const losses: { auc: number; logloss: number }[] = [];
  const areaOf = (logits: Float64Array): number => (auc(logits, rows.labels) as { value: number }).value;
  const lossOf = (logits: Float64Array): number =>
    mean(logits.map((z, i) => -Math.log(rows.labels[i] === 1 ? sigmoid(z) : 1 - sigmoid(z))));
  for (let repeat = 0; repeat < 3; repeat++) {
    const source = shuffled(rows, generator);
    const logits = logitsOf(
      rows,
      Float64Array.from(source, (row) => rows.real[row]),
    );
    cell.add(logits, source);
    losses.push({ auc: areaOf(base) - areaOf(logits), logloss: lossOf(logits) - lossOf(base) });
  }
  const found = cell.finish();
  expect(found?.auc.value).toBeCloseTo(mean(losses.map((one) => one.auc)), 12);
  expect(found?.logloss.value).toBeCloseTo(mean(losses.map((one) => one.logloss)), 12);
});

test('intervals cover the truth: 0 of a field of noise, and the loss of a real one, over groups of rows', () => {
  const draws = 150;
  const found = Array.from({ length: draws }, (_, seed) => {
    const generator = random('coverage of importance', seed);
    const rows = draw(generator, 500);
    return { real: measure(rows, 'real', generator), noise: measure(rows, 'noise', generator) };
  });
  const covered = (of: (one: (typeof found)[number]) => { low: number; high: number }, truth: number): number =>
    mean(found.map((one) => Number(of(one).low <= truth && truth <= of(one).high)));
  for (const metric of ['auc', 'logloss'] as const) {
    // A field that the model follows by mistake: AUC and log loss of the shuffled and of the given values are alike.
    expect(
      covered(({ noise }) => noise[metric], 0),
      `noise ${metric}`,
    ).toBeGreaterThan(0.92);
    const truth = mean(found.map(({ real }) => real[metric].value));
    expect(
      covered(({ real }) => real[metric], truth),
      `real ${metric}`,
    ).toBeGreaterThan(0.92);
    // Not by being idle: the deviation over draws is not far below the standard error.
    for (const field of ['real', 'noise'] as const) {
      const values = found.map((one) => one[field][metric].value);
      const deviation = Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));
      const standardError = mean(found.map((one) => one[field][metric].standardError));
      expect(standardError / deviation, `${field} ${metric}`).toBeGreaterThan(0.9);
      expect(standardError / deviation, `${field} ${metric}`).toBeLessThan(1.5);
    }
  }
});

test('a cell with fewer than two rows of a class has no importance', () => {
  const cell = { rows: Int32Array.of(0, 1, 2), labels: Uint8Array.of(0, 0, 1) };
  const groups = { group: Int32Array.of(0, 1, 2), groups: 3 };
  const found = cellImportance(cell, [1, 2, 3], groups);
  found.add([3, 2, 1], Int32Array.of(2, 1, 0));
  expect(found.finish()).toBeUndefined();
});

test('values that are the same in all rows lose nothing, for certain', () => {
  const rows = draw(random('same values'), 50);
  const cell = cellImportance(allRows(rows), logitsOf(rows), rows);
  cell.add(logitsOf(rows), shuffled(rows, random('same values shuffled')));
  const found = cell.finish();
  expect(found && effectOf(found.auc)).toEqual({ value: 0, standardError: 0, low: 0, high: 0 });
});

test('a mean over cells adds up what a group does in all of them', () => {
  const cells = [
    { value: 0.1, influence: Float64Array.of(0.3, -0.3, 0) },
    { value: 0.3, influence: Float64Array.of(-0.1, 0, 0.1) },
  ];
  const { value, influence } = meanOverCells(cells, [3, 1]);
  expect(value).toBeCloseTo(0.15, 15);
  expect([...influence].map((x) => Number(x.toFixed(12)))).toEqual([0.2, -0.225, 0.025]);
});
