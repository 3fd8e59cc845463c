/** Computes weights from weights: what hoisting has taken out of a graph. */
import type { Attributes, OpName } from '../../ops/attributes.ts';
import { nodesBefore } from '../../order.ts';
import { fixedElements } from '../../shape.ts';
import { isOp, type Tensor } from '../../tensor.ts';
import { compute } from './compute.ts';
import type { Numbers } from './numbers.ts';

/**
 * The numbers of tensors that depend on no row, computed in float64 and rounded once.
 *
 * @param numbersOf the numbers of an input, by its name
 */
export function evaluateWeights(
  weights: Record<string, Tensor>,
  numbersOf: (input: string) => ArrayLike<number>,
): Map<string, Float32Array> {
  const known = new Map<number, Numbers>();
  for (const node of nodesBefore(...Object.values(weights))) {
    fixedElements(node.shape);
    known.set(node.id, { shape: node.shape as number[], data: numbers(node, numbersOf, known) });
  }
  const of = ({ id }: Tensor): Numbers => known.get(id) as Numbers;
  return new Map(Object.entries(weights).map(([name, tensor]) => [name, Float32Array.from(of(tensor).data)]));
}

function numbers(
  node: Tensor,
  numbersOf: (input: string) => ArrayLike<number>,
  known: ReadonlyMap<number, Numbers>,
): ArrayLike<number> {
  if (isOp(node, 'input')) return numbersOf(node.attributes.name);
  if (isOp(node, 'constant')) {
    const { values, type } = node.attributes;
    return type === 'float32' ? Float32Array.from(values) : values;
  }
  const inputs = node.inputs.map(({ id }) => known.get(id) as Numbers);
  const values = compute<OpName>(node.op, node.attributes as Attributes[OpName], inputs, node.shape as number[]);
  if (values === undefined) throw new Error(`no rule computes ${node.op} on numbers`);
  return values;
}
