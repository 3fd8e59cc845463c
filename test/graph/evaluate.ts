/**
 * Graphs evaluated from the definitions of their ops: number by number, in float64, without ONNX. Slow and plain; the
 * reference that derivatives, layouts and emission are held against.
 */
import { type Attributes, type OpName, resolve, type Tensor } from '../../src/graph/index.ts';
import type { Value } from '../../src/runtime/contract.ts';

/** Numbers in row-major order. */
export interface Numbers {
  shape: readonly number[];
  data: Float64Array;
}

type At = readonly number[];
/** From an op's attributes, inputs and result shape: the number at a place of the result. */
type Definition<K extends OpName> = (
  attributes: Attributes[K],
  inputs: readonly Numbers[],
  shape: readonly number[],
) => (at: At) => number;

/** Evaluates tensors of one graph. `feeds` are its inputs by name, `batch` the size of B, `held` tensors have the given numbers. */
export function evaluate<N extends string>(
  outputs: Record<N, Tensor>,
  feeds: Record<string, Value | Numbers>,
  batch: number,
  held: Iterable<readonly [Tensor, Numbers]> = [],
): Record<N, Numbers> {
  const known = new Map(held);
  const resultOf = (tensor: Tensor): Numbers => {
    const found = known.get(tensor);
    if (found !== undefined) return found;
    const value = tensor.op === 'input' ? fed(tensor as Tensor<'input'>, feeds) : computed(tensor, resultOf, batch);
    known.set(tensor, value);
    return value;
  };
  const entries = Object.entries<Tensor>(outputs).map(([name, tensor]) => [name, resultOf(tensor)]);
  return Object.fromEntries(entries) as Record<N, Numbers>;
}

function fed(tensor: Tensor<'input'>, feeds: Record<string, Value | Numbers>): Numbers {
  const { shape, data } = feeds[tensor.attributes.name];
  return { shape, data: Float64Array.from(data) };
}

function computed(tensor: Tensor, resultOf: (tensor: Tensor) => Numbers, batch: number): Numbers {
  const shape = resolve(tensor.shape, batch);
  const definition = DEFINITIONS[tensor.op] as Definition<OpName>;
  const numberAt = definition(tensor.attributes, tensor.inputs.map(resultOf), shape);
  const data = new Float64Array(shape.reduce((product, n) => product * n, 1));
  let index = 0;
  forEachPlace(shape, (at) => {
    data[index++] = numberAt(at);
  });
  return { shape, data };
}

/** Visits the places of a shape in row-major order. The place is one array that moves on. */
function forEachPlace(shape: readonly number[], visit: (at: At) => void): void {
  if (shape.includes(0)) return;
  const at = shape.map(() => 0);
  for (;;) {
    visit(at);
    let axis = shape.length - 1;
    while (axis >= 0 && ++at[axis] === shape[axis]) at[axis--] = 0;
    if (axis < 0) return;
  }
}

/** The number at a place; a shorter or narrower operand is stretched to it (aligned at the end, size 1 repeats). */
const read = (x: Numbers, at: At): number => x.data[indexOf(x, at)];

function indexOf({ shape }: Numbers, at: At): number {
  const skipped = at.length - shape.length;
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++)
    index = index * shape[axis] + (shape[axis] === 1 ? 0 : at[axis + skipped]);
  return index;
}

const replaced = (at: At, axis: number, value: number): number[] => at.map((v, i) => (i === axis ? value : v));

const each =
  <K extends OpName>(f: (...operands: number[]) => number): Definition<K> =>
  (_attributes, inputs) =>
  (at) =>
    f(...inputs.map((input) => read(input, at)));

const never = (): never => {
  throw new Error('inputs are fed');
};

/** Places of the input that a reduction brings together at a place of its result. */
const gathered = (x: Numbers, axes: readonly number[], keep: boolean, at: At): number[][] => {
  let next = 0;
  const full = x.shape.map((_, axis) => (!keep && axes.includes(axis) ? 0 : at[next++]));
  return axes.reduce((all, axis) => all.flatMap((p) => range(x.shape[axis]).map((i) => replaced(p, axis, i))), [full]);
};

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const DEFINITIONS: { [K in OpName]: Definition<K> } = {
  input: never,
  constant:
    ({ values, type }, _inputs, shape) =>
    (at) =>
      read(
        { shape, data: type === 'float32' ? Float64Array.from(Float32Array.from(values)) : Float64Array.from(values) },
        at,
      ),

  neg: each((x) => -x),
  exp: each(Math.exp),
  log: each(Math.log),
  sqrt: each(Math.sqrt),
  reciprocal: each((x) => 1 / x),
  abs: each(Math.abs),
  relu: each((x) => Math.max(x, 0)),
  sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  tanh: each(Math.tanh),
  softplus: each((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  stopGradient: each((x) => x),

  add: each((a, b) => a + b),
  sub: each((a, b) => a - b),
  mul: each((a, b) => a * b),
  div: each((a, b) => a / b),
  maximum: each(Math.max),
  minimum: each(Math.min),

  less: each((a, b) => Number(a < b)),
  greater: each((a, b) => Number(a > b)),
  equal: each((a, b) => Number(a === b)),
  cast:
    ({ to }, [x]) =>
    (at) => {
      const value = read(x, at);
      return to === 'bool' ? Number(value !== 0) : to === 'int32' ? Math.trunc(value) : value;
    },
  where: each((condition, a, b) => (condition ? a : b)),

  reduceSum:
    ({ axes, keep }, [x]) =>
    (at) =>
      gathered(x, axes, keep, at).reduce((sum, place) => sum + read(x, place), 0),
  reduceMax:
    ({ axes, keep }, [x]) =>
    (at) =>
      Math.max(...gathered(x, axes, keep, at).map((place) => read(x, place))),
  softmax:
    ({ axis }, [x]) =>
    (at) => {
      const along = range(x.shape[axis]).map((i) => read(x, replaced(at, axis, i)));
      const most = Math.max(...along);
      const sum = along.reduce((total, value) => total + Math.exp(value - most), 0);
      return Math.exp(read(x, at) - most) / sum;
    },

  matmul:
    ({ transposeA, transposeB }, [a, b]) =>
    (at) => {
      const [row, column] = at.slice(-2);
      const before = at.slice(0, -2);
      const inA = (k: number): number => indexOf(a, [...before, ...(transposeA ? [k, row] : [row, k])]);
      const inB = (k: number): number => indexOf(b, [...before, ...(transposeB ? [column, k] : [k, column])]);
      const [fromA, stepA, fromB, stepB] = [inA(0), inA(1) - inA(0), inB(0), inB(1) - inB(0)];
      const inner = a.shape[a.shape.length - (transposeA ? 2 : 1)];
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a.data[fromA + k * stepA] * b.data[fromB + k * stepB];
      return sum;
    },

  reshape:
    (_attributes, [x], shape) =>
    (at) =>
      x.data[at.reduce((index, i, axis) => index * shape[axis] + i, 0)],
  transpose:
    ({ permutation }, [x]) =>
    (at) =>
      read(
        x,
        permutation.map((_, axis) => at[permutation.indexOf(axis)]),
      ),
  expand: each((x) => x),
  concat:
    ({ axis }, inputs) =>
    (at) => {
      let start = 0;
      for (const input of inputs) {
        if (at[axis] < start + input.shape[axis]) return read(input, replaced(at, axis, at[axis] - start));
        start += input.shape[axis];
      }
      throw new Error(`no part of the concatenation holds ${at}`);
    },
  slice:
    ({ axis, start }, [x]) =>
    (at) =>
      read(x, replaced(at, axis, at[axis] + start)),
  pad:
    ({ axis, before }, [x]) =>
    (at) => {
      const from = at[axis] - before;
      return from < 0 || from >= x.shape[axis] ? 0 : read(x, replaced(at, axis, from));
    },
  gather:
    (_attributes, [data, indices]) =>
    (at) => {
      const rank = indices.shape.length;
      return read(data, [read(indices, at.slice(0, rank)), ...at.slice(rank)]);
    },
  scatterAdd:
    (_attributes, [values, indices]) =>
    ([row, ...rest]) => {
      let sum = 0;
      forEachPlace(indices.shape, (place) => {
        if (read(indices, place) === row) sum += read(values, [...place, ...rest]);
      });
      return sum;
    },
};
