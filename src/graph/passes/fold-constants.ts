/**
 * Ops worked out on numbers, in float64: what constants and weights that meet in a graph come to. A weight that is worked out
 * beforehand is then rounded once, where ONNX Runtime would round every step.
 */
import type { Attributes, OpName } from '../ops/attributes.ts';

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
): Float64Array | undefined {
  if (op === 'matmul') return matrixProduct(attributes as Attributes['matmul'], inputs, shape);
  const numberAt = rule(op, attributes, inputs);
  if (numberAt === undefined) return undefined;
  const values = new Float64Array(size(shape));
  const at = shape.map(() => 0);
  for (let index = 0; index < values.length; index++) {
    values[index] = numberAt(at);
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
  return values;
}

/** Products of the last two axes; earlier ones are broadcast. */
function matrixProduct(
  { transposeA, transposeB }: Attributes['matmul'],
  [a, b]: readonly Numbers[],
  shape: readonly number[],
): Float64Array {
  const [rows, columns] = shape.slice(-2);
  const inner = a.shape.at(transposeA ? -2 : -1) as number;
  const [rowA, innerA] = transposeA ? [1, rows] : [inner, 1];
  const [innerB, columnB] = transposeB ? [1, inner] : [columns, 1];
  const values = new Float64Array(size(shape));
  const stack = shape.slice(0, -2);
  const steps = strides(stack);
  for (let member = 0; member < size(stack); member++) {
    const place = stack.map((length, axis) => Math.floor(member / steps[axis]) % length);
    const fromA = indexOf(a.shape.slice(0, -2), place) * rows * inner;
    const fromB = indexOf(b.shape.slice(0, -2), place) * inner * columns;
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < inner; k++) {
        const factor = a.data[fromA + row * rowA + k * innerA];
        const into = (member * rows + row) * columns;
        for (let column = 0; column < columns; column++)
          values[into + column] += factor * b.data[fromB + k * innerB + column * columnB];
      }
  }
  return values;
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

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
const read = ({ shape, data }: Numbers, at: At): number => data[indexOf(shape, at)];

function indexOf(shape: readonly number[], at: At): number {
  const skipped = at.length - shape.length;
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++)
    index = index * shape[axis] + (shape[axis] === 1 ? 0 : at[axis + skipped]);
  return index;
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
  pad:
    ({ axis, before }, [x]) =>
    (at) => {
      const from = at[axis] - before;
      return from < 0 || from >= x.shape[axis] ? 0 : read(x, moved(at, axis, -before));
    },
  reduceSum:
    ({ axes, keep }, [x]) =>
    (at) => {
      let sum = 0;
      for (const place of reduced(x.shape, axes, keep, at)) sum += read(x, place);
      return sum;
    },
  reduceMax:
    ({ axes, keep }, [x]) =>
    (at) =>
      Math.max(...reduced(x.shape, axes, keep, at).map((place) => read(x, place))),
  softmax:
    ({ axis }, [x]) =>
    (at) => {
      const along = Array.from({ length: x.shape[axis] }, (_, i) => read(x, moved(at, axis, i - at[axis])));
      const most = Math.max(...along);
      return Math.exp(read(x, at) - most) / along.reduce((sum, value) => sum + Math.exp(value - most), 0);
    },
};

/** Places of an operand that a reduction brings together at a place of its result. */
function reduced(shape: readonly number[], axes: readonly number[], keep: boolean, at: At): number[][] {
  let next = 0;
  const first = shape.map((_, axis) => {
    if (axes.includes(axis)) {
      if (keep) next++;
      return 0;
    }
    return at[next++];
  });
  return axes.reduce(
    (places, axis) => places.flatMap((place) => Array.from({ length: shape[axis] }, (_, i) => moved(place, axis, i))),
    [first],
  );
}
