/** Ops that concatenate, slice and pad along an axis. */
import { error } from '../../base/errors/index.ts';
import { pad, slice } from '../functions/index.ts';
import { batchMultiple, type Dim, isBatch, type Shape, sameShape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type OpRule, oneType } from './rule.ts';

const resized = (shape: Shape, axis: number, size: Dim): Shape => shape.map((dim, i) => (i === axis ? size : dim));

function fixedAxis(op: string, tensor: Tensor, axis: number): number {
  const size = tensor.shape[axis];
  if (typeof size !== 'number')
    throw error('GRAPH_SHAPE', { op, shapes: showShape(tensor.shape), expected: `a fixed size on axis ${axis}` });
  return size;
}

export const PARTS_OPS: { [K in 'concat' | 'slice' | 'pad']: OpRule<K> } = {
  concat: {
    infer: (inputs, { axis }) => {
      const sizes = inputs.map((input) => input.shape[axis]);
      const batches = sizes.reduce<number>((sum, size) => sum + batchMultiple(size), 0);
      if (batches > 0 && !sizes.every(isBatch))
        throw error('GRAPH_SHAPE', {
          op: 'concat',
          shapes: inputs.map((i) => showShape(i.shape)).join(' '),
          expected: 'only fixed sizes, or only batches',
        });
      const total: Dim =
        batches > 0 ? (batches === 1 ? 'B' : `${batches}B`) : (sizes as number[]).reduce((a, b) => a + b, 0);
      const shape = resized(inputs[0].shape, axis, total);
      if (inputs.some((input) => !sameShape(resized(input.shape, axis, total), shape)))
        throw error('GRAPH_SHAPE', {
          op: 'concat',
          shapes: inputs.map((i) => showShape(i.shape)).join(' '),
          expected: `equal sizes on all axes but ${axis}`,
        });
      return { shape, type: oneType('concat', inputs) };
    },
    derivative: (node, gradient) => {
      const { axis } = node.attributes;
      let start = 0;
      return node.inputs.map((input) => {
        const end = start + fixedAxis('derivative of concat', input, axis);
        const part = slice(gradient, axis, start, end);
        start = end;
        return part;
      });
    },
    layout: 'axis',
    lower: ({ build, storage }, node) => {
      const parts = node.inputs.map((input) => storage.alongAxes(input, [node.attributes.axis], node));
      return build.add(
        'Concat',
        parts.map((part) => part.value),
        { axis: parts[0].axes[0] },
      );
    },
  },
  slice: {
    infer: ([x], { axis, start, end }) => {
      if (start < 0 || end <= start || end > fixedAxis('slice', x, axis))
        throw error('GRAPH_SHAPE', {
          op: 'slice',
          shapes: showShape(x.shape),
          expected: `0 <= ${start} < ${end} <= size of axis ${axis}`,
        });
      return { shape: resized(x.shape, axis, end - start), type: x.type };
    },
    derivative: (node, gradient) => {
      const { axis, start, end } = node.attributes;
      return [pad(gradient, axis, start, fixedAxis('slice', node.inputs[0], axis) - end)];
    },
    layout: 'axis',
    lower: ({ build, storage }, node) => {
      const { axis, start, end } = node.attributes;
      const { value, axes } = storage.alongAxes(node.inputs[0], [axis], node);
      return build.add('Slice', [value, build.int64s([start]), build.int64s([end]), build.int64s(axes)]);
    },
  },
  pad: {
    infer: ([x], { axis, before, after }) => ({
      shape: resized(x.shape, axis, fixedAxis('pad', x, axis) + before + after),
      type: x.type,
    }),
    derivative: (node, gradient) => {
      const { axis, before } = node.attributes;
      return [slice(gradient, axis, before, before + fixedAxis('pad', node.inputs[0], axis))];
    },
    layout: 'axis',
    lower: ({ build, storage }, node) => {
      const { axis, before, after } = node.attributes;
      const { value, axes } = storage.alongAxes(node.inputs[0], [axis], node);
      const rank = node.shape.length;
      const pads = Array.from({ length: 2 * rank }, (_, i) =>
        i === axes[0] ? before : i === rank + axes[0] ? after : 0,
      );
      return build.add('Pad', [value, build.int64s(pads)]);
    },
  },
};
