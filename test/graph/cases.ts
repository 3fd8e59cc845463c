/** Small graphs for every op: what the tests of values, derivatives, ONNX emission and the oracle run through. */
import {
  abs,
  add,
  cast,
  concat,
  div,
  equal,
  exp,
  expand,
  type Graph,
  gather,
  greater,
  less,
  log,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  type OpName,
  pad,
  reciprocal,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  type Shape,
  scatterAdd,
  sigmoid,
  slice,
  softmax,
  softplus,
  sqrt,
  stopGradient,
  sub,
  type Tensor,
  tanh,
  transpose,
  where,
} from '../../src/graph/index.ts';
import type { InputSpec } from './support.ts';

export interface OpCase {
  title: string;
  inputs: Record<string, InputSpec>;
  build: (inputs: Record<string, Tensor>, graph: Graph) => Tensor;
  /** A value passes, but no gradient. */
  blocksGradient?: boolean;
}

const shapes = (...list: Shape[]): string => list.map((shape) => `[${shape}]`).join(' ');

function unary(op: (x: Tensor) => Tensor, { positive = false, blocksGradient = false } = {}): OpCase[] {
  return [['B', 3] as Shape, ['B'] as Shape, [2, 3], [], ['B', 2, 2] as Shape].map((shape) => ({
    title: shapes(shape),
    inputs: { x: { shape, positive } },
    build: ({ x }) => op(x),
    blocksGradient,
  }));
}

const PAIRS: [Shape, Shape][] = [
  [
    ['B', 3],
    ['B', 3],
  ],
  [['B', 3], [3]],
  [
    [1, 3],
    ['B', 3],
  ],
  [
    ['B', 1],
    ['B', 3],
  ],
  [
    ['B', 1],
    [1, 3],
  ],
  [['B', 3], []],
  [
    ['B', 2, 3],
    [2, 1],
  ],
  [
    [2, 3],
    ['B', 1, 1],
  ],
  [
    ['2B', 3],
    ['2B', 1],
  ],
];

function binary(op: (a: Tensor | number, b: Tensor | number) => Tensor, positive = false): OpCase[] {
  const operand = { positive };
  return [
    ...PAIRS.map(([a, b]) => ({
      title: shapes(a, b),
      inputs: { a: { shape: a, ...operand }, b: { shape: b, ...operand } },
      build: ({ a, b }: Record<string, Tensor>) => op(a, b),
    })),
    { title: 'a tensor and a number', inputs: { a: { shape: ['B', 3], ...operand } }, build: ({ a }) => op(a, 0.77) },
    { title: 'a number and a tensor', inputs: { b: { shape: ['B', 3], ...operand } }, build: ({ b }) => op(0.77, b) },
    {
      title: 'two expanded operands',
      inputs: { a: { shape: [1, 3], ...operand }, b: { shape: [], ...operand }, rows: { shape: ['B', 3] } },
      build: ({ a, b, rows }) => concat([op(expand(a, ['B', 3]), expand(b, ['B', 3])), rows], 1),
    },
  ];
}

const comparison = (op: (a: Tensor | number, b: Tensor | number) => Tensor): OpCase[] => [
  ...binary((a, b) => cast(op(a, b), 'float32')),
  {
    title: 'whole numbers, ties among them',
    inputs: { a: { shape: ['B', 4], type: 'int32', below: 3 }, b: { shape: [1, 4], type: 'int32', below: 3 } },
    build: ({ a, b }) => cast(op(a, b), 'float32'),
  },
];

const REDUCTIONS: { shape: Shape; axes: number[] }[] = [
  { shape: ['B', 3], axes: [1] },
  { shape: ['B', 3], axes: [0] },
  { shape: ['B', 3], axes: [0, 1] },
  { shape: ['B', 2, 3], axes: [-2] },
  { shape: ['B', 2, 3], axes: [2, 0] },
  { shape: ['B', 2, 1], axes: [1, 2] },
  { shape: [4], axes: [0] },
  // Whole parts, added up by a product with ones.
  { shape: [3, 'B', 2], axes: [0] },
  { shape: [1, 3, 'B'], axes: [1] },
  { shape: [2, 3, 'B', 2], axes: [0, 1] },
];

const reduction = (op: (x: Tensor, axes: number[], keep: boolean) => Tensor): OpCase[] =>
  REDUCTIONS.flatMap(({ shape, axes }) =>
    [true, false].map((keep) => ({
      title: `${shapes(shape)} over ${axes}${keep ? ', axes kept' : ''}`,
      inputs: { x: { shape } },
      build: ({ x }: Record<string, Tensor>) => op(x, axes, keep),
    })),
  );

const PRODUCTS: { a: Shape; b: Shape }[] = [
  { a: ['B', 3], b: [3, 2] },
  { a: [4, 3], b: [3, 'B'] },
  { a: [2, 'B'], b: ['B', 3] },
  { a: ['B', 2, 3], b: [3, 2] },
  { a: ['B', 2, 3], b: ['B', 3, 2] },
  { a: [2, 1, 3, 2], b: ['B', 2, 4] },
  { a: [2, 3], b: ['B', 3, 2] },
  { a: ['2B', 3], b: [3, 1] },
];

const turnedIf = (turned: boolean, shape: Shape): Shape =>
  turned ? [...shape.slice(0, -2), ...shape.slice(-2).reverse()] : shape;

/** Every product with each operand also given transposed. */
const products: OpCase[] = PRODUCTS.flatMap(({ a, b }) =>
  [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => {
      const [first, second] = [turnedIf(transposeA, a), turnedIf(transposeB, b)];
      return {
        title: `${shapes(first)}${transposeA ? ' transposed' : ''} and ${shapes(second)}${transposeB ? ' transposed' : ''}`,
        inputs: { a: { shape: first }, b: { shape: second } },
        build: ({ a, b }: Record<string, Tensor>) => matmul(a, b, { transposeA, transposeB }),
      };
    }),
  ),
);

export const CASES: { readonly [K in OpName]: readonly OpCase[] } = {
  input: [
    { title: 'float32', inputs: { x: { shape: ['B', 3] } }, build: ({ x }) => x },
    { title: 'int32', inputs: { x: { shape: ['B'], type: 'int32', below: 9 } }, build: ({ x }) => cast(x, 'float32') },
    { title: 'bool', inputs: { x: { shape: [3], type: 'bool' } }, build: ({ x }) => cast(x, 'float32') },
  ],
  constant: [
    { title: 'a number', inputs: { x: { shape: ['B', 3] } }, build: ({ x }, graph) => mul(x, graph.constant(0.3)) },
    {
      title: 'an array',
      inputs: { x: { shape: ['B', 3] } },
      build: ({ x }, graph) => add(x, graph.constant([1, -2, 0.1], [1, 3])),
    },
    {
      title: 'whole numbers',
      inputs: { x: { shape: ['B'], type: 'int32', below: 5 } },
      build: ({ x }, graph) => cast(add(x, graph.constant([7], [1], 'int32')), 'float32'),
    },
    {
      title: 'conditions',
      inputs: { x: { shape: ['B', 2] } },
      build: ({ x }, graph) => where(graph.constant([1, 0], [1, 2], 'bool'), x, 3),
    },
  ],
  neg: unary(neg),
  exp: unary(exp),
  log: unary(log, { positive: true }),
  sqrt: unary(sqrt, { positive: true }),
  reciprocal: unary(reciprocal, { positive: true }),
  abs: unary(abs),
  relu: unary(relu),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  softplus: unary(softplus),
  stopGradient: unary(stopGradient, { blocksGradient: true }),

  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary((a, b) => (typeof b === 'number' ? div(a, (a as Tensor).graph.constant(b)) : div(a, b)), true),
  maximum: binary(maximum),
  minimum: binary(minimum),

  less: comparison(less),
  greater: comparison(greater),
  equal: comparison(equal),
  cast: [
    {
      title: 'to int32',
      inputs: { x: { shape: ['B', 3] } },
      build: ({ x }) => cast(cast(mul(x, 1.7), 'int32'), 'float32'),
    },
    {
      title: 'of a positive mask',
      inputs: { x: { shape: ['B', 3] } },
      build: ({ x }) => cast(greater(x, 0), 'float32'),
    },
    { title: 'to bool', inputs: { x: { shape: ['B', 3] } }, build: ({ x }) => cast(cast(relu(x), 'bool'), 'float32') },
  ],
  where: [
    ...PAIRS.slice(0, 7).map(([a, b]) => ({
      title: shapes(a, b),
      inputs: { condition: { shape: a, type: 'bool' as const }, a: { shape: a }, b: { shape: b } },
      build: ({ condition, a, b }: Record<string, Tensor>) => where(condition, a, b),
    })),
    {
      title: 'a condition wider than both',
      inputs: { condition: { shape: ['B', 3], type: 'bool' }, a: { shape: [1, 3] }, b: { shape: ['B', 1] } },
      build: ({ condition, a, b }) => where(condition, a, b),
    },
    {
      title: 'a number in place of one',
      inputs: { condition: { shape: ['B', 1], type: 'bool' }, a: { shape: ['B', 3] } },
      build: ({ condition, a }) => add(where(condition, a, -2), where(condition, 3, a)),
    },
  ],

  reduceSum: reduction(reduceSum),
  reduceMax: reduction(reduceMax),
  softmax: [
    { title: 'the last axis', inputs: { x: { shape: ['B', 4] } }, build: ({ x }) => softmax(x) },
    { title: 'a middle axis', inputs: { x: { shape: ['B', 3, 2] } }, build: ({ x }) => softmax(x, 1) },
    { title: 'the batch', inputs: { x: { shape: ['B', 2] } }, build: ({ x }) => softmax(x, 0) },
  ],

  matmul: products,

  reshape: [
    { title: '[B,6] to [B,2,3]', inputs: { x: { shape: ['B', 6] } }, build: ({ x }) => reshape(x, ['B', 2, 3]) },
    { title: '[B,6] to [3B,2]', inputs: { x: { shape: ['B', 6] } }, build: ({ x }) => reshape(x, ['3B', 2]) },
    { title: '[3B] to [B,1,3]', inputs: { x: { shape: ['3B'] } }, build: ({ x }) => reshape(x, ['B', 1, 3]) },
    { title: '[1,1] to []', inputs: { x: { shape: [1, 1] } }, build: ({ x }) => reshape(x, []) },
  ],
  transpose: [
    { title: '[B,3]', inputs: { x: { shape: ['B', 3] } }, build: ({ x }) => transpose(x, [1, 0]) },
    { title: '[B,2,3] cyclic', inputs: { x: { shape: ['B', 2, 3] } }, build: ({ x }) => transpose(x, [2, 0, 1]) },
  ],
  expand: [
    {
      title: '[3] over the batch',
      inputs: { x: { shape: [3] }, rows: { shape: ['B', 3] } },
      build: ({ x, rows }) => concat([expand(x, ['B', 3]), rows], 1),
    },
    {
      title: '[B,1] to columns',
      inputs: { x: { shape: ['B', 1] } },
      build: ({ x }) => reshape(expand(x, ['B', 4]), ['4B']),
    },
    {
      title: '[] over three batches',
      inputs: { x: { shape: [] }, rows: { shape: [2, 'B'] } },
      build: ({ x, rows }) => mul(reshape(expand(x, ['4B', 1]), [4, 'B']), concat([rows, rows], 0)),
    },
  ],
  concat: [
    {
      title: 'columns',
      inputs: { a: { shape: ['B', 2] }, b: { shape: ['B', 1] }, c: { shape: ['B', 3] } },
      build: ({ a, b, c }) => concat([a, b, c], 1),
    },
    {
      title: 'an inner axis, one part twice',
      inputs: { a: { shape: ['B', 1, 2] }, b: { shape: ['B', 2, 2] } },
      build: ({ a, b }) => concat([a, b, a], -2),
    },
  ],
  slice: [
    { title: 'inner columns', inputs: { x: { shape: ['B', 5] } }, build: ({ x }) => slice(x, 1, 1, 4) },
    { title: 'a middle axis', inputs: { x: { shape: ['B', 3, 2] } }, build: ({ x }) => slice(x, -2, 2, 3) },
    {
      title: 'within a part of a concatenation, and over two of them',
      inputs: { a: { shape: ['B', 3] }, b: { shape: ['B', 2] } },
      build: ({ a, b }) => add(slice(concat([a, b], 1), 1, 1, 3), slice(concat([a, b], 1), 1, 2, 4)),
    },
  ],
  pad: [
    { title: 'columns', inputs: { x: { shape: ['B', 2] } }, build: ({ x }) => pad(x, 1, 1, 2) },
    { title: 'rows before', inputs: { x: { shape: [2, 'B'] } }, build: ({ x }) => pad(x, -2, 1, 0) },
  ],
  gather: [
    {
      title: 'rows of a matrix',
      inputs: { data: { shape: [4, 3] }, indices: { shape: ['B'], type: 'int32', below: 4 } },
      build: ({ data, indices }) => gather(data, indices),
    },
    {
      title: 'a list by a matrix of indices',
      inputs: { data: { shape: [5] }, indices: { shape: ['B', 2], type: 'int32', below: 5 } },
      build: ({ data, indices }) => gather(data, indices),
    },
    {
      title: 'matrices by a scalar',
      inputs: { data: { shape: [3, 2, 'B'] }, indices: { shape: [], type: 'int32', below: 3 } },
      build: ({ data, indices }) => gather(data, indices),
    },
    {
      title: 'rows that the graph names: some, each once',
      inputs: { data: { shape: [4, 'B'] } },
      build: ({ data }, graph) => gather(data, graph.constant([3, 0, 2], [3], 'int32')),
    },
    {
      title: 'rows that the graph names: one of them twice',
      inputs: { data: { shape: [3, 'B'] } },
      build: ({ data }, graph) => gather(data, graph.constant([2, 0, 2], [3], 'int32')),
    },
  ],
  scatterAdd: [
    {
      title: 'rows into fewer rows',
      inputs: { values: { shape: ['B', 3] }, indices: { shape: ['B'], type: 'int32', below: 4 } },
      build: ({ values, indices }) => scatterAdd(values, indices, 4),
    },
    {
      title: 'numbers, by a matrix of indices',
      inputs: { values: { shape: ['B', 2] }, indices: { shape: ['B', 2], type: 'int32', below: 3 } },
      build: ({ values, indices }) => scatterAdd(values, indices, 3),
    },
    {
      title: 'into the rows of a batch',
      inputs: {
        values: { shape: [5, 2] },
        indices: { shape: [5], type: 'int32', below: 1 },
        rows: { shape: ['B', 2] },
      },
      build: ({ values, indices, rows }) => mul(scatterAdd(values, indices, 'B'), rows),
    },
  ],
};
