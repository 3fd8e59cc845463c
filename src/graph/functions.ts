/**
 * The ops as functions: what models are written in. Operands may be numbers. Each function returns the simplest node of
 * equal value (`x * 1` is `x`), so that derivatives read and run as if written by hand.
 */
import { error } from '../base/errors/index.ts';
import type { OpName } from './ops/attributes.ts';
import { broadcast, type Dim, type ElementType, type Shape, sameShape, showShape } from './shape.ts';
import type { NodeFactory, Tensor } from './tensor.ts';

export type Operand = Tensor | number;

// ---- one number in, one number out

export const exp = (x: Tensor): Tensor => x.graph.node('exp', [x], {});
export const log = (x: Tensor): Tensor => x.graph.node('log', [x], {});
export const sqrt = (x: Tensor): Tensor => x.graph.node('sqrt', [x], {});
export const reciprocal = (x: Tensor): Tensor => x.graph.node('reciprocal', [x], {});
export const abs = (x: Tensor): Tensor => x.graph.node('abs', [x], {});
/** max(x, 0); its derivative at 0 is 0. */
export const relu = (x: Tensor): Tensor => x.graph.node('relu', [x], {});
/** 1 / (1 + e^-x). Saturates to exactly 0 or 1 for large |x|: never take its logarithm, use softplus. */
export const sigmoid = (x: Tensor): Tensor => x.graph.node('sigmoid', [x], {});
export const tanh = (x: Tensor): Tensor => x.graph.node('tanh', [x], {});
/** log(1 + e^x), without overflow. */
export const softplus = (x: Tensor): Tensor => x.graph.node('softplus', [x], {});
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => x.graph.node('stopGradient', [x], {});

export function neg(x: Tensor): Tensor {
  if (isOp(x, 'neg')) return x.inputs[0];
  return x.graph.node('neg', [x], {});
}

// ---- two operands, broadcast against each other

export function add(a: Operand, b: Operand): Tensor {
  if (isNumber(a, 0)) return b as Tensor;
  if (isNumber(b, 0)) return a as Tensor;
  return binary('add', a, b);
}

export function sub(a: Operand, b: Operand): Tensor {
  if (isNumber(b, 0)) return a as Tensor;
  if (isNumber(a, 0)) return neg(b as Tensor);
  return binary('sub', a, b);
}

export function mul(a: Operand, b: Operand): Tensor {
  if (isNumber(a, 1)) return b as Tensor;
  if (isNumber(b, 1)) return a as Tensor;
  return binary('mul', a, b);
}

export function div(a: Operand, b: Operand): Tensor {
  const whole = typeof a !== 'number' && a.type === 'int32';
  if (typeof b === 'number') return whole ? binary('div', a, b) : mul(a, 1 / b);
  if (isNumber(a, 1)) return reciprocal(b);
  return binary('div', a, b);
}

export const maximum = (a: Operand, b: Operand): Tensor => binary('maximum', a, b);
export const minimum = (a: Operand, b: Operand): Tensor => binary('minimum', a, b);
export const less = (a: Operand, b: Operand): Tensor => binary('less', a, b);
export const greater = (a: Operand, b: Operand): Tensor => binary('greater', a, b);
export const equal = (a: Operand, b: Operand): Tensor => binary('equal', a, b);

export const cast = (x: Tensor, to: ElementType): Tensor => (x.type === to ? x : x.graph.node('cast', [x], { to }));

/** a where the condition holds, b elsewhere. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = operands(condition.graph, a, b, 'float32');
  return condition.graph.node('where', [condition, x, y], {});
}

// ---- along axes

/** Sum over axes (default: all). */
export function reduceSum(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i), keep = false): Tensor {
  const sorted = fromFront(x, axes);
  if (sorted.length === 0) return x;
  const shape = x.shape.filter((_, i) => !sorted.includes(i));
  if (!keep && sorted.every((axis) => x.shape[axis] === 1)) return reshape(x, shape);
  if (keep && sorted.every((axis) => x.shape[axis] === 1)) return x;
  return x.graph.node('reduceSum', [x], { axes: sorted, keep });
}

/** Mean over fixed axes. Over the batch there is no mean: sum with fed per-row weights, so that one graph serves every batch. */
export function reduceMean(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const count = fromFront(x, axes).reduce((product, axis) => {
    const size = x.shape[axis];
    if (typeof size !== 'number')
      throw error('GRAPH_SHAPE', {
        op: 'reduceMean',
        shapes: showShape(x.shape),
        expected: 'fixed axes; weight the rows and sum over the batch',
      });
    return product * size;
  }, 1);
  return mul(reduceSum(x, axes, keep), 1 / count);
}

export function reduceMax(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const sorted = fromFront(x, axes);
  return sorted.length === 0 ? x : x.graph.node('reduceMax', [x], { axes: sorted, keep });
}

export const softmax = (x: Tensor, axis = -1): Tensor =>
  x.graph.node('softmax', [x], { axis: fromFront(x, [axis])[0] });

// ---- products

/** Matrix product of the last two axes; earlier axes are broadcast. */
export const matmul = (a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor =>
  a.graph.node('matmul', [a, b], { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false });

// ---- arrangement

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (isOp(x, 'reshape')) return reshape(x.inputs[0], shape);
  return x.graph.node('reshape', [x], { shape });
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (permutation.every((axis, i) => axis === i)) return x;
  return x.graph.node('transpose', [x], { permutation });
}

/** Repeats axes of size 1. Rarely needed: operands are broadcast by themselves. */
export const expand = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : x.graph.node('expand', [x], { shape: broadcast('expand', x.shape, shape) });

export const concat = (parts: readonly Tensor[], axis: number): Tensor =>
  parts.length === 1 ? parts[0] : parts[0].graph.node('concat', parts, { axis: fromFront(parts[0], [axis])[0] });

/** Elements [start, end) of a fixed axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const [front] = fromFront(x, [axis]);
  if (start === 0 && end === x.shape[front]) return x;
  return x.graph.node('slice', [x], { axis: front, start, end });
}

/** Zeros before and after on a fixed axis. */
export const pad = (x: Tensor, axis: number, before: number, after: number): Tensor =>
  before === 0 && after === 0 ? x : x.graph.node('pad', [x], { axis: fromFront(x, [axis])[0], before, after });

/** Rows of `data` [N, ...] named by int32 `indices` [...]. For small matrices: embedding tables live outside the graph. */
export const gather = (data: Tensor, indices: Tensor): Tensor => data.graph.node('gather', [data, indices], {});

/**
 * Adds `values` [..., ...rest] to the rows of zeros [rows, ...rest] named by int32 `indices` [...]. One thread does it:
 * with few rows a product with `oneHot` is faster.
 */
export const scatterAdd = (values: Tensor, indices: Tensor, rows: Dim): Tensor =>
  values.graph.node('scatterAdd', [values, indices], { rows });

/** One-hot rows of int32 `indices` [B]: [B, size]. */
export const oneHot = (indices: Tensor, size: number): Tensor => {
  const classes = indices.graph.constant(
    Array.from({ length: size }, (_, i) => i),
    [1, size],
    'int32',
  );
  return cast(equal(reshape(indices, [indices.shape[0], 1]), classes), 'float32'); // [B,size]
};

/** Sums a gradient back to the shape of an operand that was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const stretched = shape.flatMap((dim, i) => (dim === 1 && x.shape[i + extra] !== 1 ? [i + extra] : []));
  const leading = Array.from({ length: extra }, (_, i) => i);
  return reshape(reduceSum(x, [...leading, ...stretched], false), shape);
}

// ---- helpers

type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'less' | 'greater' | 'equal';

function binary(op: BinaryOp, a: Operand, b: Operand): Tensor {
  const graph = typeof a === 'number' ? (b as Tensor).graph : a.graph;
  const type = typeof a === 'number' ? (b as Tensor).type : a.type;
  const [x, y] = operands(graph, a, b, type);
  const shape = broadcast(op, x.shape, y.shape);
  const first = unexpanded(x, y, shape);
  return graph.node(op, [first, unexpanded(y, first, shape)], {});
}

/** The operand before an `expand` that broadcasting does anyway. */
function unexpanded(x: Tensor, other: Tensor, shape: Shape): Tensor {
  if (!isOp(x, 'expand')) return x;
  const [inner] = x.inputs;
  return sameShape(broadcast('expand', inner.shape, other.shape), shape) ? inner : x;
}

const operands = (graph: NodeFactory, a: Operand, b: Operand, type: ElementType): [Tensor, Tensor] => [
  typeof a === 'number' ? graph.constant(a, rankBeside(b), type) : a,
  typeof b === 'number' ? graph.constant(b, rankBeside(a), type) : b,
];

/**
 * A number beside a tensor whose last axis has size 1 gets all of its axes: without them ONNX Runtime (1.30, CPU) goes through
 * such a tensor number by number, twenty times as slowly.
 */
const rankBeside = (other: Operand): number[] =>
  typeof other !== 'number' && other.shape.length > 1 && other.shape.at(-1) === 1 ? other.shape.map(() => 1) : [];

const isOp = (x: Tensor, op: OpName): boolean => x.op === op;

const isNumber = (x: Operand, value: number): boolean => x === value;

/** Axes counted from the front, rising, each once. */
function fromFront(x: Tensor, axes: readonly number[]): number[] {
  const rank = x.shape.length;
  const front = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (front.some((axis) => axis < 0 || axis >= rank))
    throw error('GRAPH_SHAPE', {
      op: `axes ${axes.join()}`,
      shapes: showShape(x.shape),
      expected: `axes below ${rank}`,
    });
  return [...new Set(front)].sort((a, b) => a - b);
}
