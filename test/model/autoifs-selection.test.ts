/** Gates that are not learned: what a flow selection is worth is measured against them. */

import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { gateGraph, inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { networkOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import { createSession } from '../../src/runtime/session.ts';
import { float, int, size } from '../graph/support.ts';

const SIZES = { fields: 3, scenarios: 2, tasks: 2 };
const WIDTH = 4 * SIZES.tasks;
const request = (options: object, phase: 'search' | 'retrain' = 'retrain') => ({
  model: findModel('autoifs'),
  options: findModel('autoifs').options.parse({ embeddingDim: 4, mlpDims: [6, 5], ...options }),
  sizes: SIZES,
  phase,
  batchSize: 1,
});
type Request = ReturnType<typeof request>;

/** Rows of a small table: as in real data many rows share tokens. */
const rowsOf = (count: number): Float32Array => {
  const generator = random('rows');
  const table = Array.from({ length: 40 }, () => Array.from({ length: 4 }, () => 0.05 * generator.normal()));
  return Float32Array.from(Array.from({ length: count * SIZES.fields }, () => table[generator.below(40)]).flat());
};

async function gatesOf(options: object, rows: Float32Array): Promise<number[]> {
  const { bytes, inputs } = gateGraph(request(options));
  const session = await createSession(bytes, { threads: 1 });
  const count = rows.length / (SIZES.fields * 4);
  const given = {
    embedding: float(rows, count, SIZES.fields * 4),
    scenario: int(
      Array.from({ length: count }, (_, row) => row % SIZES.scenarios),
      count,
    ),
  };
  const read = Object.entries(given).filter(([name]) => inputs.some((input) => input.name === name));
  const { gateLogits } = await session.run(Object.fromEntries(read));
  await session.release();
  expect(gateLogits.shape).toEqual([count, WIDTH]);
  return Array.from(gateLogits.data, (logit) => Number(logit > 0));
}

test('keep and remove set all gates alike', async () => {
  const rows = rowsOf(5);
  expect(await gatesOf({ selection: 'keep' }, rows)).toEqual(new Array(5 * WIDTH).fill(0));
  expect(await gatesOf({ selection: 'remove' }, rows)).toEqual(new Array(5 * WIDTH).fill(1));
});

test('random gates are fair coins: half of them 1, each flow and task for itself, and the same for the same row', async () => {
  const count = 4000;
  const rows = rowsOf(count);
  const gates = await gatesOf({ selection: 'random' }, rows);
  const rate = (of: (row: number) => boolean | number): number =>
    Array.from({ length: count }, (_, row) => Number(of(row))).reduce((sum, x) => sum + x) / count;
  // Standard error of a fair coin: 0.008.
  for (let a = 0; a < WIDTH; a++) {
    expect(Math.abs(rate((row) => gates[row * WIDTH + a]) - 0.5)).toBeLessThan(0.04);
    for (let b = 0; b < a; b++)
      expect(Math.abs(rate((row) => gates[row * WIDTH + a] === gates[row * WIDTH + b]) - 0.5)).toBeLessThan(0.04);
  }
  for (const first of [0, 7, 1234]) {
    const width = SIZES.fields * 4;
    const alone = await gatesOf({ selection: 'random' }, rows.slice(first * width, (first + 3) * width));
    expect(alone).toEqual(gates.slice(first * WIDTH, (first + 3) * WIDTH));
  }
});

/** Logits of ten rows; parameters are drawn by name, so that all kinds of selection share them. */
async function logits(made: Request, more: Record<string, ReturnType<typeof float>> = {}): Promise<Float32Array> {
  const { bytes, inputs } = inferenceGraph(made);
  const session = await createSession(bytes, { threads: 1 });
  const feeds = Object.fromEntries(
    networkOf(made.model, made.options, SIZES).parameters.map(({ name, shape }) => {
      const generator = random(name);
      return [
        name,
        float(
          Float32Array.from({ length: size(shape) }, () => generator.normal()),
          ...shape,
        ),
      ];
    }),
  );
  const all: Record<string, ReturnType<typeof float>> = {
    ...feeds,
    embedding: float(rowsOf(10), 10, SIZES.fields * 4),
    scenario: int([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 10) as never,
    ...more,
  };
  const found = await session.run(Object.fromEntries(inputs.map(({ name }) => [name, all[name]])));
  await session.release();
  return found.logits.data as Float32Array;
}

test('the search uses these gates as they are, without a temperature', async () => {
  const fixed = (gate: number) => float(new Float32Array(10 * WIDTH).fill(gate), 10, WIDTH);
  for (const [selection, gate] of [
    ['keep', 0],
    ['remove', 1],
  ] as const) {
    const searched = await logits(request({ selection }, 'search'));
    expect(searched).toEqual(await logits(request({ selection }), { gates: fixed(gate) }));
  }
  const coins = await gatesOf({ selection: 'random' }, rowsOf(10));
  const searched = await logits(request({ selection: 'random' }, 'search'));
  expect(searched).toEqual(await logits(request({ selection: 'random' }), { gates: float(coins, 10, WIDTH) }));
});

test('without low-rank additions what is specific is a bias: tasks differ by a number', async () => {
  const made = request({ selection: 'keep', loraRank: 0 }, 'search');
  const names = networkOf(made.model, made.options, SIZES).parameters.map(({ name }) => name);
  expect(names.filter((name) => /lora/.test(name))).toEqual(['scenario.0.lora.bias', 'task.0.lora.bias']);
  expect(names.filter((name) => name.startsWith('gate'))).toEqual([]);
  const both = await logits(made); // [10, 2]
  const apart = Array.from({ length: 10 }, (_, row) => both[2 * row + 1] - both[2 * row]);
  for (const difference of apart) expect(difference).toBeCloseTo(apart[0], 4);
  expect(new Set(both.filter((_, i) => i % 2 === 0)).size).toBeGreaterThan(5);
});
