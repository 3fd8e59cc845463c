/**
 * Partial evaluation for rows that have something in common. Inputs that are the same in every row become constants,
 * and what follows from them is computed once, not once per row. Such values keep size 1 where the batch was, and
 * broadcast.
 */
import { expand } from '../functions/index.ts';
import type { Graph } from '../graph.ts';
import type { Attributes, OpName } from '../ops/attributes.ts';
import { type Dim, isBatch, type Shape, sameShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { type CopyOf, copyGraph } from './copy-graph.ts';
import { type Pass, passOver } from './pass.ts';
import { copyNode } from './simplify.ts';

export interface Known {
  /** Inputs that are the same in every row: the numbers of a row, by name. */
  fixed?: Readonly<Record<string, readonly number[]>>;
  /** Replacements of nodes, each made from the node's copy in the new graph. */
  replaced?: ReadonlyMap<Tensor, (copy: Tensor) => Tensor>;
}

/** The graph for rows of which something is known. */
export const specialise = ({ fixed = {}, replaced }: Known): Pass =>
  passOver((outputs) =>
    copyGraph(
      outputs,
      (node, copyOf, graph) => {
        const copy = isOp(node, 'input') ? source(graph, node, fixed) : copied(graph, node, copyOf);
        return replaced?.get(node)?.(copy) ?? copy;
      },
      (output, copyOf) => forRows(copyOf(output), output.shape),
    ),
  );

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

/** A value with the shape that it had for rows: values that are equal for all rows are repeated. */
const forRows = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : expand(x, shape));

function copied(graph: Graph, node: Tensor, copyOf: CopyOf): Tensor {
  const inputs = node.inputs.map(copyOf);
  const rows = node.inputs.map((input, i) => forRows(inputs[i], input.shape));
  if (worksAlongRows(node)) return copyNode(graph, node, rows);
  const depends = inputs.some(({ shape }) => shape.some(isBatch));
  if (!depends) return copyNode(graph, node, inputs, ofOne(node));
  return node.op === 'concat' || node.op === 'gather'
    ? copyNode(graph, node, rows)
    : (broadcasting(graph, node, inputs) ?? copyNode(graph, node, rows));
}

/** The node on operands of which some are equal for all rows; undefined if these must be repeated first. */
function broadcasting(graph: Graph, node: Tensor, inputs: readonly Tensor[]): Tensor | undefined {
  const result = copyNode(graph, node, inputs);
  return sameShape(result.shape, node.shape) ? result : undefined;
}

/** Does the op combine numbers of different rows, or turn rows into places of an axis? */
function worksAlongRows(node: Tensor): boolean {
  const [x] = node.inputs;
  const multiple = (dim: Dim): boolean => isBatch(dim) && dim !== 'B';
  if (node.shape.some(multiple) || node.inputs.some(({ shape }) => shape.some(multiple))) return true;
  if (isOp(node, 'reduceSum') || isOp(node, 'reduceMax'))
    return node.attributes.axes.some((axis) => isBatch(x.shape[axis]));
  if (isOp(node, 'softmax')) return isBatch(x.shape[node.attributes.axis]);
  if (isOp(node, 'concat')) return isBatch(node.shape[node.attributes.axis]);
  if (isOp(node, 'matmul')) return isBatch(x.shape.at(node.attributes.transposeA ? -2 : -1) as Dim);
  if (isOp(node, 'gather')) return isBatch(x.shape[0]);
  return node.op === 'scatterAdd';
}

/** The attributes of a node whose inputs are all equal for all rows. */
function ofOne(node: Tensor): Attributes[OpName] {
  if (!isOp(node, 'reshape') && !isOp(node, 'expand')) return node.attributes;
  return { shape: ofOneRow(node.attributes.shape) };
}
