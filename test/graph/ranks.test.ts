/** How a graph is cut for ranks: which sums they add up, and what it refuses. Numbers are compared in test/train/ranks. */
import { describe, expect, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import {
  add,
  Graph,
  gather,
  matmul,
  mul,
  overRanks,
  reduceMax,
  reduceSum,
  reshape,
  SUMS,
  sigmoid,
  softmax,
  type Tensor,
} from '../../src/graph/index.ts';

const graph = new Graph();
const x = graph.input('x', ['B', 3]);
const w = graph.input('w', [3]);
const summed = reduceSum(x, [0]); // [3]

test('what is linear in sums over rows stays a sum, in one stage', () => {
  const outputs = { sum: mul(add(summed, w), w), rows: mul(x, w), whole: sigmoid(w) };
  const { stages, placements } = overRanks(outputs);
  expect(placements).toEqual({ sum: 'sum', rows: 'rows', whole: 'whole' });
  expect(stages.map((stage) => Object.keys(stage.outputs))).toEqual([['sum', 'rows', 'whole']]);
});

test('sums that other ops read are added up between stages, together where none waits for another', () => {
  const other = reduceSum(mul(x, x), [0]);
  const scaled = mul(x, sigmoid(summed)); // [B,3]
  const { stages, placements } = overRanks({
    y: mul(scaled, sigmoid(other)),
    z: matmul(x, scaled, { transposeA: true }),
  });
  expect(placements).toEqual({ y: 'rows', z: 'sum' });
  expect(stages).toHaveLength(2);
  expect(stages[0].outputs[SUMS].shape).toEqual([6]);
});

test('one rank alone takes along what is added to a sum', () => {
  const [stage] = overRanks({ y: add(summed, w) }).stages;
  expect(stage.outputs.y.op).toBe('add');
  expect(stage.outputs.y.inputs.map(({ op }) => op)).toEqual(['reduceSum', 'mul']);
});

describe('what mixes rows in another way than by sums is refused', () => {
  const index = graph.input('index', [2], 'int32');
  const cases: [string, () => Tensor][] = [
    ['a maximum', () => reduceMax(x, [0])],
    ['a softmax', () => softmax(x, 0)],
    ['chosen rows', () => gather(x, index)],
    ['rows taken apart', () => reshape(x, [3, 'B'])],
  ];
  test.each(cases)('%s', (_, build) => {
    const code = (() => {
      try {
        overRanks({ y: build() });
      } catch (cause) {
        return cause instanceof TributaryError ? cause.code : cause;
      }
    })();
    expect(code).toBe('GRAPH_ROWS_MIXED');
  });
});
