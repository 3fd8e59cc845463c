/** Hoisting: what a graph computes from its weights alone is taken out, computed once, and put back in as an input. */
import { Graph } from '../graph.ts';
import { nodesBefore } from '../order.ts';
import { isBatch } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Outputs, Pass } from './pass.ts';
import { copyNode } from './simplify.ts';

/**
 * Takes out every float value that depends on no row and that rows read. The new inputs are named `folded.0`,
 * `folded.1` ...
 */
export const hoistWeights: Pass = ({ outputs, weights: before }) => {
  const hoisted = new Hoisted();
  for (const node of nodesBefore(...Object.values(outputs))) if (dependsOnRows(node)) hoisted.copyOf(node);
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, hoisted.copyOf(output)])),
    weights: { ...before, ...hoisted.weights },
  };
};

const dependsOnRows = ({ op, shape }: Tensor): boolean => op !== 'input' && shape.some(isBatch);

class Hoisted {
  readonly weights: Outputs = {};
  readonly #graph = new Graph();
  readonly #copies = new Map<number, Tensor>();

  copyOf(tensor: Tensor): Tensor {
    const known = this.#copies.get(tensor.id);
    if (known !== undefined) return known;
    const copy = this.#isHoisted(tensor) ? this.#hoist(tensor) : this.#copy(tensor);
    this.#copies.set(tensor.id, copy);
    return copy;
  }

  #isHoisted(tensor: Tensor): boolean {
    const isSource = tensor.op === 'input' || tensor.op === 'constant';
    return !isSource && !dependsOnRows(tensor) && tensor.type === 'float32';
  }

  #hoist(tensor: Tensor): Tensor {
    const name = `folded.${Object.keys(this.weights).length}`;
    this.weights[name] = tensor;
    return this.#graph.input(name, tensor.shape, tensor.type);
  }

  #copy(tensor: Tensor): Tensor {
    const inputs = tensor.inputs.map((input) => this.copyOf(input));
    return copyNode(this.#graph, tensor, inputs);
  }
}
