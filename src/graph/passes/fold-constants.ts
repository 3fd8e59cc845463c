/** Constant folding: a node whose inputs are all constants becomes a constant. */
import type { Attributes, OpName } from '../ops/attributes.ts';
import { isBatch } from '../shape.ts';
import type { NodeFactory, Tensor } from '../tensor.ts';
import { compute } from './numbers/compute.ts';
import { size } from './numbers/numbers.ts';

/** Constants of more numbers than this are left to ONNX Runtime, which folds them when a session starts. */
const MAX_NUMBERS = 1 << 14;

export const isConstant = (tensor: Tensor): tensor is Tensor<'constant'> => tensor.op === 'constant';

/** The constant that the node would be; undefined if an input is not constant or the result is too large. */
export function foldConstants<K extends OpName>(
  graph: NodeFactory,
  op: K,
  inputs: readonly Tensor[],
  attributes: Attributes[K],
): Tensor | undefined {
  if (inputs.length === 0 || !inputs.every(isConstant)) return undefined;
  const { shape, type } = graph.node(op, inputs, attributes);
  if (shape.some(isBatch) || size(shape as number[]) > MAX_NUMBERS) return undefined;
  const numbers = inputs.map((input) => ({
    shape: input.attributes.shape as readonly number[],
    data: input.attributes.values,
  }));
  const values = compute(op, attributes, numbers, shape as number[]);
  if (values === undefined) return undefined;
  return graph.constant(Array.from(values, type === 'float32' ? Math.fround : Number), shape as number[], type);
}
