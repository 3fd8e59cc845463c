/**
 * Constant folding: a node whose inputs are all constants becomes a constant, if float32 holds its numbers exactly.
 * Others keep their op, so that nothing is rounded in between: hoisting takes them out and computes them in float64.
 */
import type { Attributes, OpName } from '../ops/attributes.ts';
import { type ElementType, isBatch } from '../shape.ts';
import { isOp, type NodeFactory, type Tensor } from '../tensor.ts';
import { compute } from './numbers/compute.ts';
import { size } from './numbers/numbers.ts';

/** Constants of more numbers than this are left to ONNX Runtime, which folds them when a session starts. */
const MAX_NUMBERS = 1 << 14;

const isConstant = (tensor: Tensor): tensor is Tensor<'constant'> => isOp(tensor, 'constant');

/** The constant that the node is; undefined if an input is not constant, or the result is too large or not exact. */
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
    data: stored(input.attributes.values, input.type),
  }));
  const values = compute(op, attributes, numbers, shape as number[]);
  if (values === undefined || !stored(values, type).every((value, i) => Object.is(value, values[i]))) return undefined;
  return graph.constant([...values], shape as number[], type);
}

/** The numbers as a graph stores them. */
const stored = (values: ArrayLike<number>, type: ElementType): readonly number[] =>
  Array.from(values, type === 'float32' ? Math.fround : Number);
