/**
 * Symbolic tensors: nodes of one graph, made once per distinct value (equal op, inputs and attributes give the same
 * node, so common subexpressions are shared by construction).
 */
import { error } from '../base/errors/index.ts';
import type { Attributes, OpName } from './ops/table.ts';
import { OPS } from './ops/table.ts';
import { type Shape, showShape } from './shape.ts';

export type ElementType = 'float32' | 'int32' | 'bool';

export interface Tensor<K extends OpName = OpName> {
  readonly graph: Graph;
  /** Position in the graph: inputs of a node have smaller ids. */
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes[K];
  readonly shape: Shape;
  readonly type: ElementType;
}

/** Texts for the numbers that JSON cannot tell apart: it writes infinities and NaN as null, and -0 as 0. */
const distinct = (_key: string, value: unknown): unknown =>
  Object.is(value, -0) ? '-0' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

export class Graph {
  readonly nodes: Tensor[] = [];
  readonly #interned = new Map<string, Tensor>();

  /** A value fed at every run. */
  input(name: string, shape: Shape, type: ElementType = 'float32'): Tensor {
    const known = this.nodes.find((n) => n.op === 'input' && (n as Tensor<'input'>).attributes.name === name);
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

  /** The node of an op; the op's shape rule checks the inputs. */
  node<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: Attributes[K]): Tensor<K> {
    const foreign = inputs.find((input) => input.graph !== this);
    if (foreign !== undefined)
      throw error('GRAPH_INVALID', { node: op, problem: `input %${foreign.id} belongs to another graph` });
    const key = `${op}(${inputs.map((i) => i.id).join()})${JSON.stringify(attributes, distinct)}`;
    const known = this.#interned.get(key);
    if (known !== undefined) return known as Tensor<K>;
    const { shape, type } = OPS[op].infer(inputs, attributes);
    const tensor: Tensor<K> = { graph: this, id: this.nodes.length, op, inputs, attributes, shape, type };
    this.nodes.push(tensor as Tensor);
    this.#interned.set(key, tensor as Tensor);
    return tensor;
  }
}
