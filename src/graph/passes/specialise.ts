/**
 * A graph for rows that have something in common: inputs that are the same in every row become constants, and what follows
 * from them is computed once, not once a row. Such values keep size 1 where the batch was, and broadcast.
 */
import { expand } from '../functions.ts';
import { Graph } from '../graph.ts';
import type { Attributes, OpName } from '../ops/attributes.ts';
import { nodesBefore } from '../order.ts';
import { type Dim, isBatch, type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { make } from './simplify.ts';

export interface Known {
  /** Inputs that are the same in every row: the numbers of a row, by name. */
  fixed?: Readonly<Record<string, readonly number[]>>;
  /** What stands for a node: made from its copy in the new graph. */
  replaced?: ReadonlyMap<Tensor, (copy: Tensor) => Tensor>;
}

/** The same outputs for rows of which something is known, in a graph of their own. */
export function specialise(outputs: Record<string, Tensor>, { fixed = {}, replaced }: Known): Record<string, Tensor> {
  const graph = new Graph();
  const copies = new Map<number, Tensor>();
  const copyOf = ({ id }: Tensor): Tensor => copies.get(id) as Tensor;
  for (const node of nodesBefore(...Object.values(outputs))) {
    const copy = node.op === 'input' ? source(graph, node as Tensor<'input'>, fixed) : copied(graph, node, copyOf);
    copies.set(node.id, replaced?.get(node)?.(copy) ?? copy);
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [name, forRows(copyOf(output), output.shape)]),
  );
}

function source(
  graph: Graph,
  { attributes: { name, shape, type } }: Tensor<'input'>,
  fixed: Required<Known>['fixed'],
): Tensor {
  return Object.hasOwn(fixed, name)
    ? graph.constant(fixed[name], ofOneRow(shape), type)
    : graph.input(name, shape, type);
}

const ofOneRow = (shape: Shape): number[] => shape.map((dim) => (isBatch(dim) ? 1 : dim));

/** A value for every row: as it is, or repeated where it is the same for all. */
const forRows = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : expand(x, shape));

function copied(graph: Graph, node: Tensor, copyOf: (tensor: Tensor) => Tensor): Tensor {
  const inputs = node.inputs.map(copyOf);
  const rows = node.inputs.map((input, i) => forRows(inputs[i], input.shape));
  if (worksAlongRows(node)) return make<OpName>(graph, node.op, rows, node.attributes);
  const depends = inputs.some(({ shape }) => shape.some(isBatch));
  if (!depends) return make<OpName>(graph, node.op, inputs, ofOne(node));
  return node.op === 'concat' || node.op === 'gather'
    ? make<OpName>(graph, node.op, rows, node.attributes)
    : (broadcasting(graph, node, inputs) ?? make<OpName>(graph, node.op, rows, node.attributes));
}

/** The node on operands of which some are the same for all rows; undefined where these would have to be repeated first. */
function broadcasting(graph: Graph, node: Tensor, inputs: readonly Tensor[]): Tensor | undefined {
  const result = make<OpName>(graph, node.op, inputs, node.attributes);
  return sameShape(result.shape, node.shape) ? result : undefined;
}

/** Does the op bring numbers of different rows together, or make places of them? */
function worksAlongRows(node: Tensor): boolean {
  const [x] = node.inputs;
  const multiple = (dim: Dim): boolean => isBatch(dim) && dim !== 'B';
  if (node.shape.some(multiple) || node.inputs.some(({ shape }) => shape.some(multiple))) return true;
  switch (node.op) {
    case 'reduceSum':
    case 'reduceMax':
      return (node as Tensor<'reduceSum'>).attributes.axes.some((axis) => isBatch(x.shape[axis]));
    case 'softmax':
      return isBatch(x.shape[(node as Tensor<'softmax'>).attributes.axis]);
    case 'concat':
      return isBatch(node.shape[(node as Tensor<'concat'>).attributes.axis]);
    case 'matmul':
      return isBatch(x.shape.at((node as Tensor<'matmul'>).attributes.transposeA ? -2 : -1) as Dim);
    case 'gather':
      return isBatch(x.shape[0]);
    case 'scatterAdd':
      return true;
    default:
      return false;
  }
}

/** The attributes of a node whose inputs are the same for all rows. */
function ofOne(node: Tensor): Attributes[OpName] {
  if (node.op !== 'reshape' && node.op !== 'expand') return node.attributes;
  return { shape: ofOneRow((node as Tensor<'reshape'>).attributes.shape) };
}
