/** Sums, maxima and softmax along axes. Axes are counted from the front. */

import { cast, div, equal, expand, mul, reduceSum, reshape, sub } from '../functions/index.ts';
import { type Dim, isBatch, reshapeDims, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Lowering, ValueName } from './lowering.ts';
import { type OpRule, oneType } from './rule.ts';

const reduced = (shape: Shape, axes: readonly number[], keep: boolean): Shape =>
  keep ? shape.map((d, i): Dim => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));

/** A result of a reduction with its axes restored as size 1, so that it broadcasts against the input. */
const withAxes = (node: Tensor<'reduceSum' | 'reduceMax'>, value: Tensor): Tensor =>
  node.attributes.keep ? value : reshape(value, reduced(node.inputs[0].shape, node.attributes.axes, true));

export const REDUCE_OPS: {
  reduceSum: OpRule<'reduceSum'>;
  reduceMax: OpRule<'reduceMax'>;
  softmax: OpRule<'softmax'>;
} = {
  reduceSum: {
    infer: ([x], { axes, keep }) => ({ shape: reduced(x.shape, axes, keep), type: x.type }),
    derivative: (node, gradient) => [expand(withAxes(node, gradient), node.inputs[0].shape)],
    layout: 'axis',
    lower: (lowering, node) => {
      const { build, storage } = lowering;
      const parts = partsOf(node);
      if (parts !== undefined) return sumOfParts(lowering, node, parts);
      const { value, axes } = storage.alongAxes(node.inputs[0], node.attributes.axes, node);
      const keepdims = Number(node.attributes.keep);
      return storage.reduced(build.add('ReduceSum', [value, build.int64s(axes)], { keepdims }), node);
    },
  },
  reduceMax: {
    infer: ([x], { axes, keep }) => ({ shape: reduced(x.shape, axes, keep), type: x.type }),
    // Ties share the gradient evenly.
    derivative: (node, gradient) => {
      const [x] = node.inputs;
      const ties = cast(equal(x, withAxes(node, node)), 'float32');
      return [mul(div(ties, reduceSum(ties, node.attributes.axes, true)), withAxes(node, gradient))];
    },
    layout: 'axis',
    lower: ({ build, storage }, node) => {
      const { value, axes } = storage.alongAxes(node.inputs[0], node.attributes.axes, node);
      const keepdims = Number(node.attributes.keep);
      return storage.reduced(build.add('ReduceMax', [value], { axes, keepdims }), node);
    },
  },
  softmax: {
    infer: ([x]) => ({ shape: x.shape, type: oneType('softmax', [x], 'float32') }),
    // p * (g - sum(p g))
    derivative: (node, gradient) => [
      mul(node, sub(gradient, reduceSum(mul(node, gradient), [node.attributes.axis], true))),
    ],
    layout: 'axis',
    lower: ({ build, storage }, node) => {
      const { value, axes } = storage.alongAxes(node.inputs[0], [node.attributes.axis], node);
      return build.add('Softmax', [value], { axis: axes[0] });
    },
  },
};

/**
 * The number of parts of a sum over leading axes of fixed size, if the other axes include the batch; else undefined.
 */
function partsOf({ inputs: [x], attributes: { axes } }: Tensor<'reduceSum'>): number | undefined {
  const end = axes[axes.length - 1] + 1;
  const outer = x.shape.slice(0, end);
  const leading = outer.every((size, axis) => size === 1 || axes.includes(axis));
  if (x.type !== 'float32' || !leading || outer.some(isBatch) || !x.shape.some(isBatch)) return undefined;
  return (outer as number[]).reduce((product, size) => product * size, 1);
}

/** A sum of whole parts as a product with ones: ONNX Runtime's own sum over leading axes takes three times as long. */
function sumOfParts({ build, storage }: Lowering, node: Tensor<'reduceSum'>, parts: number): ValueName {
  const stacked = build.add('Reshape', [storage.plain(node.inputs[0]), build.int64s([parts, -1])]);
  const one = build.cast(build.int64s(new Array<number>(parts).fill(1)), 'float32'); // folded when the session starts
  const ones = build.add('Reshape', [one, build.int64s([1, parts])]);
  const sum = build.add('MatMul', [ones, stacked]); // [1, rest]
  return build.add('Reshape', [sum, build.int64s(reshapeDims(node.shape))]);
}
