/**
 * Derivatives: reverse accumulation over the nodes between the parameters and a scalar. Gradients are ordinary nodes.
 */
import { error } from '../base/errors/index.ts';
import { add, expand } from './functions/index.ts';
import { OPS, ruleOf } from './ops/table.ts';
import { nodesBefore, oneGraph } from './order.ts';
import { showShape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/**
 * Gradients of a scalar with respect to tensors, in the tensors' shapes; zeros for tensors that the scalar does not
 * depend on.
 */
export function grad(scalar: Tensor, of: readonly Tensor[]): Tensor[] {
  if (scalar.shape.length !== 0)
    throw error('GRAPH_SHAPE', { op: 'grad', shapes: showShape(scalar.shape), expected: 'a scalar' });
  oneGraph('grad', [scalar, ...of]);
  const dependent = dependents(scalar, of);
  const gradients = new Map<number, Tensor>([[scalar.id, scalar.graph.constant(1)]]);
  for (const node of nodesBefore(scalar).reverse()) {
    const gradient = gradients.get(node.id);
    const rule = ruleOf(node);
    if (gradient === undefined || rule.derivative === null || !dependent.has(node.id)) continue;
    const parts = rule.derivative(node, gradient);
    node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (part === undefined || !dependent.has(input.id)) return;
      const sum = gradients.get(input.id);
      gradients.set(input.id, sum === undefined ? part : add(sum, part));
    });
  }
  return of.map((tensor) => gradients.get(tensor.id) ?? expand(scalar.graph.constant(0), tensor.shape));
}

/** Ids of the nodes through which a gradient can flow from `scalar` to one of `of`. */
function dependents(scalar: Tensor, of: readonly Tensor[]): Set<number> {
  const found = new Set(of.map((tensor) => tensor.id));
  for (const node of nodesBefore(scalar))
    if (OPS[node.op].derivative !== null && node.inputs.some((input) => found.has(input.id))) found.add(node.id);
  return found;
}
