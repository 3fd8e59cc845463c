/** Ops that move numbers without changing them. */
import { error } from '../../base/errors/index.ts';
import { pad, reshape, scatterAdd, slice, sumTo, transpose } from '../functions.ts';
import {
  batchMultiple,
  broadcast,
  type Dim,
  elements,
  isBatch,
  reshapeDims,
  type Shape,
  sameShape,
  showShape,
} from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type OpRule, oneType } from './rule.ts';

type Arrange = 'reshape' | 'transpose' | 'expand' | 'concat' | 'slice' | 'pad' | 'gather' | 'scatterAdd';

const resized = (shape: Shape, axis: number, size: Dim): Shape => shape.map((dim, i) => (i === axis ? size : dim));

function fixedAxis(op: string, tensor: Tensor, axis: number): number {
  const size = tensor.shape[axis];
  if (typeof size !== 'number')
    throw error('GRAPH_SHAPE', { op, shapes: showShape(tensor.shape), expected: `a fixed size on axis ${axis}` });
  return size;
}

export const ARRANGE_OPS: { [K in Arrange]: OpRule<K> } = {
  reshape: {
    infer: ([x], { shape }) => {
      if (elements(x.shape) !== elements(shape))
        throw error('GRAPH_SHAPE', {
          op: 'reshape',
          shapes: `${showShape(x.shape)} to ${showShape(shape)}`,
          expected: 'as many elements',
        });
      return { shape, type: x.type };
    },
    derivative: (node, gradient) => [reshape(gradient, node.inputs[0].shape)],
    layout: 'natural',
    lower: ({ build, storage }, node) =>
      build.add('Reshape', [storage.plain(node.inputs[0]), build.int64s(reshapeDims(node.shape))]),
  },
  transpose: {
    infer: ([x], { permutation }) => {
      if (permutation.length !== x.shape.length || x.shape.some((_, axis) => !permutation.includes(axis)))
        throw error('GRAPH_SHAPE', {
          op: `transpose to ${permutation.join()}`,
          shapes: showShape(x.shape),
          expected: 'each axis once',
        });
      return { shape: permutation.map((axis) => x.shape[axis]), type: x.type };
    },
    derivative: (node, gradient) => {
      const { permutation } = node.attributes;
      return [
        transpose(
          gradient,
          permutation.map((_, axis) => permutation.indexOf(axis)),
        ),
      ];
    },
    layout: 'natural',
    lower: ({ build, storage }, node) =>
      build.add('Transpose', [storage.plain(node.inputs[0])], { perm: node.attributes.permutation }),
  },
  expand: {
    infer: ([x], { shape }) => {
      if (!sameShape(broadcast('expand', x.shape, shape), shape))
        throw error('GRAPH_SHAPE', {
          op: 'expand',
          shapes: `${showShape(x.shape)} to ${showShape(shape)}`,
          expected: 'the larger shape last',
        });
      return { shape, type: x.type };
    },
    derivative: (node, gradient) => [sumTo(gradient, node.inputs[0].shape)],
    layout: 'natural',
    lower: ({ build, storage, sizes }, node) =>
      build.add('Expand', [storage.plain(node.inputs[0]), sizes.shape(node.shape)]),
  },
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
  // Rows of a (small) matrix by index: indices [...] of data [N, ...rest] -> [..., ...rest].
  gather: {
    infer: ([data, indices]) => {
      oneType('gather', [indices], 'int32');
      return { shape: [...indices.shape, ...data.shape.slice(1)], type: data.type };
    },
    derivative: (node, gradient) => [scatterAdd(gradient, node.inputs[1], node.inputs[0].shape[0]), undefined],
    layout: 'natural',
    lower: ({ build, storage }, node) =>
      build.add(
        'Gather',
        node.inputs.map((input) => storage.plain(input)),
        { axis: 0 },
      ),
  },
  // The transpose of gather: adds values [..., ...rest] to the rows indices [...] of zeros [rows, ...rest].
  scatterAdd: {
    infer: ([values, indices], { rows }) => {
      oneType('scatterAdd', [indices], 'int32');
      const rank = indices.shape.length;
      if (!sameShape(values.shape.slice(0, rank), indices.shape))
        throw error('GRAPH_SHAPE', {
          op: 'scatterAdd',
          shapes: `values ${showShape(values.shape)} and indices ${showShape(indices.shape)}`,
          expected: 'values that begin with the shape of the indices',
        });
      return { shape: [rows, ...values.shape.slice(rank)], type: values.type };
    },
    derivative: (node, gradient) => [gatherOf(gradient, node.inputs[1]), undefined],
    layout: 'natural',
    // ScatterND would take rows as they are, but on several threads it loses additions to equal rows (onnxruntime issue 18048).
    lower: ({ build, storage, sizes }, node) => {
      const [values, indices] = node.inputs;
      const rest = node.shape.slice(1);
      const count = elements(indices.shape);
      const rows = build.reshaped(storage.plain(values), [count, ...rest]);
      const column = build.reshaped(storage.plain(indices), [count, ...rest.map(() => 1)]);
      const positions = build.add('Expand', [column, build.add('Shape', [rows])]);
      const zeros = build.add('ConstantOfShape', [sizes.shape(node.shape)]);
      return build.add('ScatterElements', [zeros, positions, rows], { axis: 0, reduction: 'add' });
    },
  },
};

const gatherOf = (data: Tensor, indices: Tensor): Tensor => data.graph.node('gather', [data, indices], {});
