/** Products in eight bits: as near as their rounding allows, the same bits in any batch. */
import { expect, test } from 'vitest';
import {
  add,
  compile,
  Graph,
  int8Candidates,
  matmul,
  mul,
  relu,
  type StoredValue,
  toInt8,
} from '../../src/graph/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { evaluate } from './evaluate.ts';
import { normals } from './support.ts';

const [INPUTS, HIDDEN, OUTPUTS, ROWS] = [40, 30, 20, 9];

function network() {
  const graph = new Graph();
  const [first, second] = [graph.input('first', [INPUTS, HIDDEN]), graph.input('second', [HIDDEN, OUTPUTS])];
  const hidden = relu(add(matmul(graph.input('x', ['B', INPUTS]), first), graph.input('bias', [HIDDEN])));
  const weights = {
    first: normals([INPUTS, HIDDEN], 1 / Math.sqrt(INPUTS), 'first'),
    second: normals([HIDDEN, OUTPUTS], 1 / Math.sqrt(HIDDEN), 'second'),
    bias: normals([HIDDEN], 0.1, 'bias'),
  };
  return { y: matmul(hidden, second), weights, feeds: { x: normals([ROWS, INPUTS], 1, 'x') } };
}

test('a network of signed and of positive rows stays near its values, in one order for every batch', async () => {
  const { y, weights, feeds } = network();
  const stored = new Map<string, StoredValue>([
    ['first', toInt8(weights.first.data as Float32Array, HIDDEN)],
    ['second', toInt8(weights.second.data as Float32Array, OUTPUTS)],
    ['bias', { data: weights.bias.data as Float32Array }],
  ]);
  const session = await createSession(compile({ y }, { stored }).bytes, { threads: 1, backend: 'node' });
  const found = (await session.run(feeds)).y;
  const expected = evaluate({ y }, { ...feeds, ...weights }, ROWS).y;
  const worst = Math.max(...expected.data.map((value, i) => Math.abs(value - found.data[i])));
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThan(0.03 * Math.max(...expected.data.map(Math.abs)));
  for (let row = 0; row < ROWS; row++) {
    const x = feeds.x.data.slice(row * INPUTS, (row + 1) * INPUTS);
    const alone = (await session.run({ x: { type: 'float32', shape: [1, INPUTS], data: x } })).y;
    expect([...alone.data]).toEqual([...found.data.slice(row * OUTPUTS, (row + 1) * OUTPUTS)]);
  }
  await session.release();
});

test('columns are scaled to 127, zeros stay zeros', () => {
  expect(toInt8(Float32Array.of(2, 0, -1.2, 0, 0.5, 0), 2)).toEqual({
    int8: Int8Array.of(127, 0, -76, 0, 32, 0),
    scales: Float32Array.of(2 / 127, 0),
  });
});

test('only large weights that rows are multiplied with, and nothing else reads, may be rounded', () => {
  const { y } = network();
  expect(int8Candidates({ y }, 1)).toEqual(['first', 'second']);
  expect(int8Candidates({ y }, 1000)).toEqual(['first']);
  const { graph } = y;
  const twice = mul(graph.input('first', [INPUTS, HIDDEN]), 2);
  expect(int8Candidates({ y, twice }, 1)).toEqual(['second']);
});
