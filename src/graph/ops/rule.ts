/** What the graph knows about an op: one rule for shapes, one for derivatives, one for the lowering to ONNX. */
import { error } from '../../base/errors/index.ts';
import { type ElementType, type Shape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Attributes, OpName } from './attributes.ts';
import type { Lowering, ValueName } from './lowering.ts';

export interface OpRule<K extends OpName> {
  /** Shape and type of the result; throws GRAPH_SHAPE if the inputs do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes[K]): { shape: Shape; type: ElementType };
  /**
   * Vector-Jacobian product: takes the gradient of the node (in the node's shape), returns one gradient per input (in
   * the input's shape), or undefined where none flows. Written in ops, so it can be differentiated again. `null`: no
   * gradient ever flows.
   */
  derivative: ((node: Tensor<K>, gradient: Tensor) => readonly (Tensor | undefined)[]) | null;
  /**
   * How the op treats a [B, n] value that is stored as [n, B] (see onnx/layout.ts): `elementwise` keeps the storage of
   * its inputs, `axis` renames its axis, `matmul` may choose, `natural` needs and gives plain storage.
   */
  layout: 'elementwise' | 'axis' | 'matmul' | 'natural';
  /**
   * Adds the ONNX nodes of this op alone; returns the name of the result. Patterns of several ops that become one node
   * are in onnx/fusions/.
   */
  lower(lowering: Lowering, node: Tensor<K>): ValueName;
}

/** The common type of the inputs, which must be `expected` if that is given. Throws GRAPH_SHAPE otherwise. */
export function oneType(op: string, inputs: readonly Tensor[], expected?: ElementType): ElementType {
  const type = expected ?? inputs[0].type;
  if (inputs.some((input) => input.type !== type))
    throw error('GRAPH_SHAPE', {
      op,
      shapes: inputs.map((input) => `${input.type}${showShape(input.shape)}`).join(' and '),
      expected: expected ?? 'one type',
    });
  return type;
}
