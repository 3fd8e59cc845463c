/** Functions along axes. Negative axes count from the back. */
import { error } from '../../base/errors/index.ts';
import { type Shape, sameShape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { axesFromFront, reshape } from './arrange.ts';
import { mul } from './elementwise.ts';

/** Sum over axes (default: all). */
export function reduceSum(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i), keep = false): Tensor {
  const sorted = axesFromFront(x, axes);
  if (sorted.length === 0) return x;
  const shape = x.shape.filter((_, i) => !sorted.includes(i));
  if (!keep && sorted.every((axis) => x.shape[axis] === 1)) return reshape(x, shape);
  if (keep && sorted.every((axis) => x.shape[axis] === 1)) return x;
  return x.graph.node('reduceSum', [x], { axes: sorted, keep });
}

/**
 * Mean over fixed axes. There is no mean over the batch: sum with fed per-row weights instead, so that one graph serves
 * every batch.
 */
export function reduceMean(x: Tensor, axes: readonly number[], keep = false): Tensor {
  const count = axesFromFront(x, axes).reduce((product, axis) => {
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
  const sorted = axesFromFront(x, axes);
  return sorted.length === 0 ? x : x.graph.node('reduceMax', [x], { axes: sorted, keep });
}

export const softmax = (x: Tensor, axis = -1): Tensor =>
  x.graph.node('softmax', [x], { axis: axesFromFront(x, [axis])[0] });

/** Sums a gradient back to the shape of an operand that was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const stretched = shape.flatMap((dim, i) => (dim === 1 && x.shape[i + extra] !== 1 ? [i + extra] : []));
  const leading = Array.from({ length: extra }, (_, i) => i);
  return reshape(reduceSum(x, [...leading, ...stretched], false), shape);
}
