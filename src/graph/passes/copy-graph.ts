/** Copies a graph node by node: the frame of most passes. */
import { Graph } from '../graph.ts';
import { nodesBefore } from '../order.ts';
import type { Tensor } from '../tensor.ts';
import type { Outputs } from './pass.ts';

/** Tensor of the new graph that stands for one of the old. */
export type CopyOf = (tensor: Tensor) => Tensor;

/** Makes what stands for a node; undefined leaves the node out, for nodes that nobody reads any more. */
type CopyNode = (node: Tensor, copyOf: CopyOf, graph: Graph) => Tensor | undefined;

/**
 * The outputs in a new graph.
 *
 * @param copy called for every node that the outputs need, inputs first
 * @param finish makes an output from its tensor in the old graph; default: its copy
 */
export function copyGraph(
  outputs: Outputs,
  copy: CopyNode,
  finish: (output: Tensor, copyOf: CopyOf) => Tensor = (output, copyOf) => copyOf(output),
): Outputs {
  const graph = new Graph();
  const copies = new Map<number, Tensor>();
  const copyOf: CopyOf = ({ id }) => copies.get(id) as Tensor;
  for (const node of nodesBefore(...Object.values(outputs))) {
    const made = copy(node, copyOf, graph);
    if (made !== undefined) copies.set(node.id, made);
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, finish(output, copyOf)]));
}
