/** Ops that move numbers without changing them. */
import { error } from '../../base/errors/index.ts';
import { pad, reshape, scatterAdd, sumTo, transpose } from '../functions/index.ts';
import { broadcast, type Dim, elements, reshapeDims, sameShape, showShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { type OpRule, oneType } from './rule.ts';

type Arrange = 'reshape' | 'transpose' | 'expand' | 'gather' | 'scatterAdd';

export const ARRANGE_OPS: { [K in Arrange]: OpRule<K> } = {
  reshape: {
    infer: ([x], { shape }) => {
      if (elements(x.shape) !== elements(shape))
        throw error('GRAPH_SHAPE', {
          op: 'reshape',
          shapes: `${showShape(x.shape)} to ${showShape(shape)}`,
          expected: 'the same number of elements',
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
          expected: 'a shape that the first broadcasts to',
        });
      return { shape, type: x.type };
    },
    derivative: (node, gradient) => [sumTo(gradient, node.inputs[0].shape)],
    layout: 'natural',
    lower: ({ build, storage, sizes }, node) =>
      build.add('Expand', [storage.plain(node.inputs[0]), sizes.shape(node.shape)]),
  },
  // Rows of a (small) matrix by index: indices [...] of data [N, ...rest] -> [..., ...rest].
  gather: {
    infer: ([data, indices]) => {
      oneType('gather', [indices], 'int32');
      return { shape: [...indices.shape, ...data.shape.slice(1)], type: data.type };
    },
    derivative: (node, gradient) => [rowsBack(gradient, node.inputs[1], node.inputs[0].shape[0]), undefined],
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
    // ScatterND would take whole rows, but loses additions to equal rows on several threads (onnxruntime issue 18048).
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

/**
 * The gradient of the rows that were read: to each of `rows` the sum of those of its readers. Where the graph knows the indices and reads no
 * row twice, a row takes its reader's or, without one, a row of zeros: several times as fast as adding, which runs element by element.
 */
function rowsBack(gradient: Tensor, indices: Tensor, rows: Dim): Tensor {
  const read = isOp(indices, 'constant') && indices.shape.length === 1 ? indices.attributes.values : undefined;
  if (read === undefined || typeof rows !== 'number' || new Set(read).size < read.length)
    return scatterAdd(gradient, indices, rows);
  const readers = Array.from({ length: rows }, (_, row) => (read.includes(row) ? read.indexOf(row) : read.length));
  return gatherOf(pad(gradient, 0, 0, 1), gradient.graph.constant(readers, [rows], 'int32'));
}

const gatherOf = (data: Tensor, indices: Tensor): Tensor => data.graph.node('gather', [data, indices], {});
