/** Attention, conditional norms and squeeze-excitation against numbers worked out by hand. */
import { expect, test } from 'vitest';
import { Graph, type Tensor } from '../../src/graph/index.ts';
import type { Step } from '../../src/model/contract.ts';
import { selfAttention } from '../../src/model/layers/attention.ts';
import { conditionalNorm, forEachItem, generatedNorms } from '../../src/model/layers/norms/conditional-norm.ts';
import { excitation } from '../../src/model/layers/squeeze-excitation.ts';
import { expectClose, float, numbers, run } from '../graph/support.ts';

/** A step whose parameters are fixed numbers, by name. */
const constants = (graph: Graph, values: Record<string, { shape: number[]; data: number[] }>): Step => {
  const parameter = (name: string): Tensor => {
    const found = values[name];
    if (found === undefined) throw new Error(`no parameter ${name}`);
    return graph.constant(found.data, found.shape);
  };
  return { parameter } as Step;
};

const of = (shape: number[], ...data: number[]) => ({ shape, data });

test('an item reads items by likeness, and padding not at all', async () => {
  const graph = new Graph();
  const step = constants(graph, {
    'a.query.kernel': of([1, 1, 1], 1),
    'a.query.bias': of([1, 1], 1),
    'a.key.kernel': of([1, 1, 1], 1),
    'a.key.bias': of([1, 1], 7),
    'a.value.kernel': of([1, 1, 1], 3),
    'a.value.bias': of([1, 1], 0.5),
    'a.output.kernel': of([1, 1], 2),
    'a.output.bias': of([1], 0.1),
  });
  const attention = selfAttention('a', { dimension: 1, heads: 1 });
  const y = attention(graph.input('x', ['B', 3, 1]), graph.input('mask', ['B', 3]), step);
  // Items 1 and 2, then padding of 50. Queries are 2 and 3: the weight of item 2 is sigmoid(2 (2 - 1)), sigmoid(3 (2 - 1)).
  const found = await numbers(y, { x: float([1, 2, 50], 1, 3, 1), mask: float([1, 1, 0], 1, 3) });
  const read = (query: number): number => 2 * (3 * (1 + 1 / (1 + Math.exp(-query))) + 0.5) + 0.1;
  expectClose({ shape: [2], data: found.slice(0, 2) }, { shape: [2], data: [read(2), read(3)] }, 1e-6);
  expect(Number.isFinite(found[2])).toBe(true);
});

test('heads read parts of their own and lie side by side in their order', async () => {
  const graph = new Graph();
  const zero = { kernel: of([2, 2, 1], 0, 0, 0, 0), bias: of([2, 1], 0, 0) };
  const step = constants(graph, {
    'a.query.kernel': of([2, 2, 1], 0, 0, 9, 0), // head 1 asks for items whose second number is large ...
    'a.query.bias': zero.bias,
    'a.key.kernel': of([2, 2, 1], 0, 0, 0, 9), // ... head 0 for all alike
    'a.key.bias': zero.bias,
    'a.value.kernel': of([2, 2, 1], 1, 0, 0, 1), // head 0 takes the first number, head 1 the second
    'a.value.bias': zero.bias,
    'a.output.kernel': of([2, 2], 1, 0, 0, 10),
    'a.output.bias': of([2], 0, 0),
  });
  const attention = selfAttention('a', { dimension: 2, heads: 2 });
  const y = attention(graph.input('x', ['B', 2, 2]), graph.input('mask', ['B', 2]), step);
  const found = await numbers(y, { x: float([1, 2, 3, 4], 1, 2, 2), mask: float([1, 1], 1, 2) });
  expectClose({ shape: [4], data: found }, { shape: [4], data: [2, 40, 2, 40] }, 1e-6); // mean of 1 and 3; 10 times 4
});

test('numbers of a condition are repeated for each item of their own sequence', async () => {
  const graph = new Graph();
  const long = forEachItem(graph.constant([1, 2, 3, 4], [1, 1, 2, 2]), 2); // two sequences, two numbers each
  expect(await numbers(long)).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
});

test('rows are standardised, then scaled and shifted for each condition, the same for all or by rows of their own', async () => {
  const graph = new Graph();
  const x = graph.input('x', ['B', 1, 1, 2]);
  const common = { scale: graph.constant([1, 2, 3, 4], [2, 1, 2]), shift: graph.constant([0, 0, 1, 1], [2, 1, 2]) };
  const own = { scale: graph.input('scale', [1, 'B', 2]), shift: graph.constant([0, 5], [1, 1, 2]) };
  const { a, b } = await run(
    { a: conditionalNorm(x, common), b: conditionalNorm(x, own) },
    { x: float([1, 3, 200, 0], 2, 1, 1, 2), scale: float([1, 2, 10, 20], 1, 2, 2) },
  ); // rows become [-1, 1] and [1, -1]
  expectClose(a, { shape: [2, 2, 1, 1, 2], data: [-1, 2, 1, -2, -2, 5, 4, -3] }, 1e-5);
  expectClose(b, { shape: [1, 2, 1, 1, 2], data: [-1, 7, 10, -15] }, 1e-5);
});

test('generated norms are a distance from the plain one', async () => {
  const graph = new Graph();
  const step = constants(graph, {
    'h.0.kernel': of([1, 2], 1, -1),
    'h.0.bias': of([2], 0, 0),
    'h.1.kernel': of([2, 2], 0.5, 3, 100, 100), // its second input is behind a ReLU that is off
    'h.1.bias': of([2], 0, 1),
  });
  const generate = generatedNorms('h', { inputs: 1, hidden: 2, norms: 1, dimension: 1 });
  const norms = generate(graph.constant([2, 0], [2, 1]), step);
  expect(norms.shape).toEqual([2, 1, 2, 1]);
  expect(await numbers(norms)).toEqual([2, 7, 1, 1]); // 1 + 2 * 0.5, 2 * 3 + 1; then 1 + 0, 0 + 1
});

test.each([
  ['concat', of([2, 4, 1], 1, 1, 1, 1, 0, 0, 0, -1)],
  ['mean', of([2, 2, 1], 2, 2, 0, -1)],
] as const)('networks weigh the embeddings of their own: %s', async (squeeze, kernel) => {
  const graph = new Graph();
  const step = constants(graph, {
    'e.0.kernel': kernel,
    'e.0.bias': of([2, 1], 0, 1),
    'e.1.kernel': of([2, 1, 2], 1, 0, 1, -1),
    'e.1.bias': of([2, 2], 0, 0, 0, 0),
  });
  const A = graph.input('A', [2, 'B', 2, 2]);
  const excite = excitation('e', { count: 2, embeddings: 2, dimension: 2, hidden: 1, squeeze, most: 2 });
  const weights = excite(A, step);
  const { y } = await run({ y: weights }, { A: float([1, 2, 3, -5, 1, 2, 4, -0.5], 2, 1, 2, 2) });
  // Network 0 sums all: 1 + 2 + 3 - 5 = 1. Network 1 turns the last number, or the mean of the last two, around and adds 1.
  const second = squeeze === 'concat' ? 1.5 : 0;
  const weight = (z: number): number => 2 / (1 + Math.exp(-z));
  expectClose(y, { shape: [2, 1, 2], data: [weight(1), 1, weight(second), weight(-second)] }, 1e-6);
});
