/** Functions that move numbers, and products. */
import { error } from '../../base/errors/index.ts';
import { broadcast, type Dim, type Shape, sameShape, showShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { cast, equal } from './elementwise.ts';

/** Matrix product of the last two axes; earlier axes are broadcast. */
export const matmul = (a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor =>
  a.graph.node('matmul', [a, b], { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false });

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.op === 'reshape') return reshape(x.inputs[0], shape);
  return x.graph.node('reshape', [x], { shape });
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (permutation.every((axis, i) => axis === i)) return x;
  return x.graph.node('transpose', [x], { permutation });
}

/** Repeats axes of size 1. Rarely needed, because operands are broadcast anyway. */
export const expand = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : x.graph.node('expand', [x], { shape: broadcast('expand', x.shape, shape) });

export const concat = (parts: readonly Tensor[], axis: number): Tensor =>
  parts.length === 1 ? parts[0] : parts[0].graph.node('concat', parts, { axis: axesFromFront(parts[0], [axis])[0] });

/** Elements [start, end) of a fixed axis. Of a concatenation only the part that has them is read: the others may then be read by nothing. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const [front] = axesFromFront(x, [axis]);
  if (start === 0 && end === x.shape[front]) return x;
  if (isOp(x, 'concat') && x.attributes.axis === front) {
    let from = 0;
    for (const part of x.inputs) {
      const to = from + (part.shape[front] as number);
      if (start >= from && end <= to) return slice(part, front, start - from, end - from);
      from = to;
    }
  }
  return x.graph.node('slice', [x], { axis: front, start, end });
}

/** Zeros before and after on a fixed axis. */
export const pad = (x: Tensor, axis: number, before: number, after: number): Tensor =>
  before === 0 && after === 0 ? x : x.graph.node('pad', [x], { axis: axesFromFront(x, [axis])[0], before, after });

/**
 * Rows of `data` [N, ...] named by int32 `indices` [...]. For small matrices: embedding tables live outside the graph.
 */
export const gather = (data: Tensor, indices: Tensor): Tensor => data.graph.node('gather', [data, indices], {});

/**
 * Adds `values` [..., ...rest] to the rows of zeros [rows, ...rest] named by int32 `indices` [...]. It runs on one
 * thread: with few rows a product with `oneHot` is faster.
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

/** Axes counted from the front, in ascending order, each once. Throws GRAPH_SHAPE if the tensor does not have one. */
export function axesFromFront(x: Tensor, axes: readonly number[]): number[] {
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
