/** What a graph computes of its weights alone is computed once: taken out, and put back in as numbers. */

import { Graph } from '../graph.ts';
import type { OpName } from '../ops/attributes.ts';
import { nodesBefore } from '../order.ts';
import { isBatch } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { make } from './simplify.ts';

export interface Apart {
  /** The outputs; what was taken out are inputs of the names below. */
  outputs: Record<string, Tensor>;
  /** What was taken out, by name: tensors of the graph that came in. */
  weights: Record<string, Tensor>;
}

/** Takes out every value that depends on no row and that rows meet. Names are `folded.0`, `folded.1` ... */
export function takeWeightsApart(outputs: Record<string, Tensor>): Apart {
  const nodes = nodesBefore(...Object.values(outputs));
  const ofRows = (tensor: Tensor): boolean => tensor.shape.some(isBatch);
  const graph = new Graph();
  const weights: Record<string, Tensor> = {};
  const copies = new Map<number, Tensor>();
  const copyOf = (tensor: Tensor): Tensor => {
    const known = copies.get(tensor.id);
    if (known !== undefined) return known;
    const copy = source(tensor);
    copies.set(tensor.id, copy);
    return copy;
  };
  const source = (tensor: Tensor): Tensor => {
    if (tensor.op === 'input') {
      const { name, shape, type } = (tensor as Tensor<'input'>).attributes;
      return graph.input(name, shape, type);
    }
    if (tensor.op === 'constant') {
      const { values, shape, type } = (tensor as Tensor<'constant'>).attributes;
      return graph.constant(values, shape as number[], type);
    }
    if (tensor.type !== 'float32') return make<OpName>(graph, tensor.op, tensor.inputs.map(copyOf), tensor.attributes);
    const name = `folded.${Object.keys(weights).length}`;
    weights[name] = tensor;
    return graph.input(name, tensor.shape, tensor.type);
  };
  for (const node of nodes)
    if (ofRows(node) && node.op !== 'input')
      copies.set(node.id, make<OpName>(graph, node.op, node.inputs.map(copyOf), node.attributes));
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, copyOf(output)])),
    weights,
  };
}
