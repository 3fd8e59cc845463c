/**
 * Random small graphs for property tests: a program is a list of instructions, each of which puts a tensor into a pool
 * made from tensors already there. Every program is valid, so fast-check can shrink it freely.
 */
import fc from 'fast-check';
import {
  abs,
  add,
  concat,
  expand,
  type Graph,
  gather,
  greater,
  matmul,
  maximum,
  minimum,
  mul,
  pad,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  scatterAdd,
  sigmoid,
  slice,
  softmax,
  softplus,
  stopGradient,
  sub,
  type Tensor,
  tanh,
  transpose,
  where,
} from '../../src/graph/index.ts';

/** A pool of [B, n] tensors; weights, rows and indices are inputs made at need. */
export interface Builder {
  graph: Graph;
  pool: Tensor[];
}

interface Instruction {
  make: keyof typeof INSTRUCTIONS;
  on: number;
  other: number;
  choice: number;
}

export const WIDTH = 64;
const WIDEST = 96;

const columns = (x: Tensor): number => x.shape[1] as number;
const pick = <V>(values: readonly V[], choice: number): V => values[choice % values.length];

/** An operand that broadcasts against x [B, n]. */
function partner({ graph, pool }: Builder, x: Tensor, other: number, choice: number): Tensor | number {
  const n = columns(x);
  const alike = pool.filter((t) => columns(t) === n || columns(t) === 1);
  return pick<() => Tensor | number>(
    [
      () => pick(alike, other),
      () => graph.input(`vector${n}`, [n]),
      () => graph.input(`row${n}`, [1, n]),
      () => 0.3,
      () => pick(alike, other + 1),
    ],
    choice,
  )();
}

/** Not wider than the pool allows. */
const narrowed = (x: Tensor): Tensor => (columns(x) > WIDEST ? slice(x, 1, 1, WIDTH + 1) : x);

const unary = (op: (x: Tensor) => Tensor) => (_b: Builder, x: Tensor) => op(x);
const binary =
  (op: (a: Tensor | number, b: Tensor | number) => Tensor) =>
  (b: Builder, x: Tensor, other: number, choice: number): Tensor =>
    choice % 2 === 0 ? op(x, partner(b, x, other, choice >> 1)) : op(partner(b, x, other, choice >> 1), x);

const INSTRUCTIONS = {
  tanh: unary(tanh),
  sigmoid: unary(sigmoid),
  relu: unary(relu),
  softplus: unary((x) => mul(softplus(x), 0.5)),
  abs: unary(abs),
  stopGradient: unary(stopGradient),
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  maximum: binary(maximum),
  minimum: binary(minimum),
  where: (b: Builder, x: Tensor, other: number, choice: number) =>
    where(greater(x, 0.1), partner(b, x, other, choice), mul(x, 0.5)),
  product: ({ graph }: Builder, x: Tensor, _other: number, choice: number) => {
    const width = pick([WIDTH, WIDTH, WIDTH, 5, 1], choice);
    const n = columns(x);
    if (choice % 2 === 0) return matmul(x, graph.input(`w${n}_${width}`, [n, width]));
    return matmul(x, graph.input(`t${width}_${n}`, [width, n]), { transposeB: true });
  },
  layer: ({ graph }: Builder, x: Tensor, _other: number, choice: number) => {
    const sum = matmul(x, graph.input(`w${columns(x)}_${WIDTH}`, [columns(x), WIDTH]));
    const bias = choice % 2 === 0 ? graph.input(`vector${WIDTH}`, [WIDTH]) : graph.input(`row${WIDTH}`, [1, WIDTH]);
    return relu(choice % 4 < 2 ? add(sum, bias) : add(bias, sum));
  },
  productOverBatch: ({ pool }: Builder, x: Tensor, other: number) => {
    const u = pick(pool, other);
    return matmul(u, mul(matmul(u, x, { transposeA: true }), 1 / 256));
  },
  reduceColumns: (_b: Builder, x: Tensor, _other: number, choice: number) => {
    const keep = choice % 2 === 0;
    const reduced = choice % 4 < 2 ? mul(reduceSum(x, [1], keep), 1 / columns(x)) : reduceMax(x, [1], keep);
    return keep ? reduced : reshape(reduced, ['B', 1]);
  },
  reduceBatch: (_b: Builder, x: Tensor, _other: number, choice: number) => {
    const axes = choice % 2 === 0 ? [0] : [0, 1];
    const reduced =
      choice % 4 < 2 ? mul(reduceSum(x, axes, choice % 8 < 4), 1 / 64) : reduceMax(x, axes, choice % 8 < 4);
    return sub(x, reduced);
  },
  softmax: (_b: Builder, x: Tensor, _other: number, choice: number) => softmax(x, choice % 2),
  concat: ({ pool }: Builder, x: Tensor, other: number) => narrowed(concat([x, pick(pool, other), x], 1)),
  stack: (_b: Builder, x: Tensor) => {
    const still = stopGradient(x); // concatenated batches have no derivative
    return narrowed(reshape(concat([still, tanh(still)], 0), ['B', 2 * columns(x)]));
  },
  slice: (_b: Builder, x: Tensor, other: number, choice: number) => {
    const start = other % columns(x);
    return slice(x, 1, start, start + 1 + (choice % (columns(x) - start)));
  },
  pad: (_b: Builder, x: Tensor, other: number, choice: number) => narrowed(pad(x, 1, other % 4, choice % 4)),
  reshape: (_b: Builder, x: Tensor) => reduceSum(mul(reshape(x, ['B', columns(x), 1]), 0.9), [2]),
  transpose: (_b: Builder, x: Tensor) => transpose(tanh(transpose(x, [1, 0])), [1, 0]),
  expand: (_b: Builder, x: Tensor) => expand(slice(x, 1, 0, 1), ['B', 7]),
  gather: ({ graph }: Builder, x: Tensor) => gather(x, graph.input('rows', ['B'], 'int32')),
  scatterAdd: ({ graph }: Builder, x: Tensor) => mul(scatterAdd(x, graph.input('rows', ['B'], 'int32'), 'B'), 0.5),
  batched: ({ graph }: Builder, x: Tensor) => {
    const n = columns(x);
    const product = matmul(reshape(x, ['B', 1, n]), graph.input(`w${n}_${WIDTH}`, [n, WIDTH])); // [B,1,64]
    return reshape(product, ['B', WIDTH]);
  },
};

/** Programs with, for each, the numbers of the pool's tensors that are outputs. */
export const programs = fc.record({
  instructions: fc.array(
    fc.record<Instruction>({
      make: fc.constantFrom(...(Object.keys(INSTRUCTIONS) as (keyof typeof INSTRUCTIONS)[])),
      on: fc.nat(1000),
      other: fc.nat(1000),
      choice: fc.nat(1000),
    }),
    { minLength: 1, maxLength: 9 },
  ),
  outputs: fc.array(fc.nat(1000), { minLength: 0, maxLength: 2 }),
  batch: fc.integer({ min: 1, max: 5 }),
});

export type Program = typeof programs extends fc.Arbitrary<infer P> ? P : never;

/** Runs a program; later tensors of the pool are the likelier operands. Returns the last tensor and the chosen ones. */
export function build(builder: Builder, { instructions, outputs }: Program): Tensor[] {
  const { pool } = builder;
  for (const { make, on, other, choice } of instructions) {
    const x = pool[Math.max(0, pool.length - 1 - (on % 4))];
    pool.push(INSTRUCTIONS[make](builder, x, other, choice));
  }
  return [...new Set([pool[pool.length - 1], ...outputs.map((choice) => pick(pool, choice))])];
}
