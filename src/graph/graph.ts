/**
 * A graph holds each distinct value once: equal op, inputs and attributes give the same node, so common subexpressions
 * are shared by construction.
 */
import { error } from '../base/errors/index.ts';
import type { Attributes, OpName } from './ops/attributes.ts';
import { ruleOf } from './ops/table.ts';
import { type ElementType, type Shape, showShape } from './shape.ts';
import { isOp, type NodeFactory, type Tensor } from './tensor.ts';

/** Texts for the numbers that JSON cannot distinguish: it writes infinities and NaN as null, and -0 as 0. */
const distinct = (_key: string, value: unknown): unknown =>
  Object.is(value, -0) ? '-0' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

export class Graph implements NodeFactory {
  readonly nodes: Tensor[] = [];
  readonly #interned = new Map<string, Tensor>();

  /** A value fed at every run. Throws GRAPH_INVALID if the name is taken by an input of another shape or type. */
  input(name: string, shape: Shape, type: ElementType = 'float32'): Tensor {
    const known = this.nodes.find((n) => isOp(n, 'input') && n.attributes.name === name);
    if (known !== undefined && (showShape(known.shape) !== showShape(shape) || known.type !== type))
      throw error('GRAPH_INVALID', {
        node: `input ${name}`,
        problem: `declared as ${showShape(known.shape)} and as ${showShape(shape)}`,
      });
    return this.node('input', [], { name, shape, type });
  }

  /** A number, or an array of a fixed shape, stored in the graph. */
  constant(values: number | readonly number[], shape: readonly number[] = [], type: ElementType = 'float32'): Tensor {
    return this.node('constant', [], { values: typeof values === 'number' ? [values] : values, shape, type });
  }

  /** The node of an op. Throws GRAPH_SHAPE if the inputs do not fit, GRAPH_INVALID if one belongs to another graph. */
  node<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: Attributes[K]): Tensor<K> {
    const foreign = inputs.find((input) => input.graph !== this);
    if (foreign !== undefined)
      throw error('GRAPH_INVALID', { node: op, problem: `input %${foreign.id} belongs to another graph` });
    const key = `${op}(${inputs.map((i) => i.id).join()})${JSON.stringify(attributes, distinct)}`;
    const known = this.#interned.get(key);
    if (known !== undefined) return known as Tensor<K>;
    const { shape, type } = ruleOf({ op }).infer(inputs, attributes);
    const tensor: Tensor<K> = { graph: this, id: this.nodes.length, op, inputs, attributes, shape, type };
    this.nodes.push(tensor as Tensor);
    this.#interned.set(key, tensor as Tensor);
    return tensor;
  }
}
