/** The part of a graph that tensors depend on. */
import { error } from '../base/errors/index.ts';
import type { Tensor } from './tensor.ts';

/** The nodes and everything they need, inputs first. */
export function nodesBefore(...outputs: readonly Tensor[]): Tensor[] {
  oneGraph('outputs', outputs);
  const needed = new Set<number>();
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (needed.has(node.id)) continue;
    needed.add(node.id);
    stack.push(...node.inputs);
  }
  return outputs.length === 0 ? [] : outputs[0].graph.nodes.filter((node) => needed.has(node.id));
}

/** Throws GRAPH_INVALID if tensors belong to several graphs: ids are unique within one graph only. */
export function oneGraph(what: string, tensors: readonly Tensor[]): void {
  const foreign = tensors.find((tensor) => tensor.graph !== tensors[0].graph);
  if (foreign !== undefined)
    throw error('GRAPH_INVALID', { node: what, problem: `%${foreign.id} ${foreign.op} belongs to another graph` });
}
