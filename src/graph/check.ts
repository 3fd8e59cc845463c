/**
 * Checks that a graph is valid: one graph, inputs before their users, shapes as the rules infer them, unique input
 * names.
 */
import { error } from '../base/errors/index.ts';
import { ruleOf } from './ops/table.ts';
import { sameShape, showShape } from './shape.ts';
import { isOp, type Tensor } from './tensor.ts';

/** Throws GRAPH_INVALID at the first node that is not valid. `nodes`: in order, inputs first. */
export function check(nodes: readonly Tensor[]): void {
  const seen = new Set<number>();
  const names = new Set<string>();
  for (const node of nodes) {
    const at = `%${node.id} ${node.op}`;
    if (node.inputs.some((input) => input.graph !== node.graph))
      throw error('GRAPH_INVALID', { node: at, problem: 'an input belongs to another graph' });
    if (node.inputs.some((input) => !seen.has(input.id)))
      throw error('GRAPH_INVALID', { node: at, problem: 'an input comes after its user' });
    const { shape, type } = ruleOf(node).infer(node.inputs, node.attributes);
    if (!sameShape(shape, node.shape) || type !== node.type)
      throw error('GRAPH_INVALID', {
        node: at,
        problem: `is ${type}${showShape(shape)} by its rule, but recorded as ${node.type}${showShape(node.shape)}`,
      });
    if (isOp(node, 'input')) {
      const { name } = node.attributes;
      if (names.has(name)) throw error('GRAPH_INVALID', { node: at, problem: `two inputs are named ${name}` });
      names.add(name);
    }
    seen.add(node.id);
  }
}
