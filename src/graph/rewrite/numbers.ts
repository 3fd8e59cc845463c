/**
 * Ops worked out on numbers: what constants that meet in a graph come to. Meant for small ones (masks, one-hot rows, orders of
 * lanes); products of trained weights are left to ONNX Runtime.
 */
import type { Attributes, OpName } from '../ops/table.ts';

/** Numbers in row-major order. */
export interface Numbers {
  shape: readonly number[];
  data: ArrayLike<number>;
}

/** Ops that work number by number, as functions of their operands. */
export const SCALAR: { readonly [K in OpName]?: (...operands: number[]) => number } = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  less: (a, b) => Number(a < b),
  greater: (a, b) => Number(a > b),
  equal: (a, b) => Number(a === b),
  where: (condition, a, b) => (condition === 0 ? b : a),
};

/** `cast` to a type, of one number. */
export const castTo = (to: Attributes['cast']['to'], x: number): number =>
  to === 'bool' ? Number(x !== 0) : to === 'int32' ? Math.trunc(x) : x;

/** The numbers of a node of the given shape, row-major; undefined for ops that have no rule here. */
export function worked<K extends OpName>(
  op: K,
  attributes: Attributes[K],
  inputs: readonly Numbers[],
  shape: readonly number[],
): number[] | undefined {
  const numberAt = rule(op, attributes, inputs);
  if (numberAt === undefined) return undefined;
  const count = size(shape);
  const steps = strides(shape);
  return Array.from({ length: count }, (_, index) =>
    numberAt(steps.map((step, axis) => Math.floor(index / step) % shape[axis])),
  );
}

export const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

export const strides = (shape: readonly number[]): number[] => shape.map((_, axis) => size(shape.slice(axis + 1)));

type At = readonly number[];

/** The number at a place of the result. */
function rule(op: OpName, attributes: object, inputs: readonly Numbers[]): ((at: At) => number) | undefined {
  const scalar = SCALAR[op];
  if (scalar !== undefined) return (at) => scalar(...inputs.map((input) => read(input, at)));
  const arrange = ARRANGE[op] as ((attributes: object, inputs: readonly Numbers[]) => (at: At) => number) | undefined;
  return arrange?.(attributes, inputs);
}

/** The number at a place; a narrower operand is stretched to it (aligned at the end, size 1 repeats). */
function read({ shape, data }: Numbers, at: At): number {
  const skipped = at.length - shape.length;
  const index = shape.reduce((sum, length, axis) => sum * length + (length === 1 ? 0 : at[axis + skipped]), 0);
  return data[index];
}

const moved = (at: At, axis: number, by: number): number[] => at.map((place, i) => (i === axis ? place + by : place));

const ARRANGE: {
  readonly [K in OpName]?: (attributes: Attributes[K], inputs: readonly Numbers[]) => (at: At) => number;
} = {
  cast:
    ({ to }, [x]) =>
    (at) =>
      castTo(to, read(x, at)),
  expand:
    (_, [x]) =>
    (at) =>
      read(x, at),
  reshape: ({ shape }, [x]) => {
    const steps = strides(shape as readonly number[]);
    return (at) => x.data[at.reduce((sum, place, axis) => sum + place * steps[axis], 0)];
  },
  transpose: ({ permutation }, [x]) => {
    const from = permutation.map((_, axis) => permutation.indexOf(axis));
    return (at) =>
      read(
        x,
        from.map((axis) => at[axis]),
      );
  },
  slice:
    ({ axis, start }, [x]) =>
    (at) =>
      read(x, moved(at, axis, start)),
  concat:
    ({ axis }, parts) =>
    (at) => {
      let start = 0;
      for (const part of parts) {
        if (at[axis] < start + part.shape[axis]) return read(part, moved(at, axis, -start));
        start += part.shape[axis];
      }
      throw new Error(`no part of the concatenation holds ${at}`);
    },
  gather: (_, [data, indices]) => {
    const rank = indices.shape.length;
    return (at) => read(data, [read(indices, at.slice(0, rank)), ...at.slice(rank)]);
  },
  matmul: ({ transposeA, transposeB }, [a, b]) => {
    const inner = a.shape.at(transposeA ? -2 : -1) as number;
    return (at) => {
      const [before, [row, column]] = [at.slice(0, -2), at.slice(-2)];
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum +=
          read(a, [...before, ...(transposeA ? [k, row] : [row, k])]) *
          read(b, [...before, ...(transposeB ? [column, k] : [k, column])]);
      return sum;
    };
  },
};
