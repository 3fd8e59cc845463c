/** Algebraic simplification: the node of an op, or something simpler of equal value. */
import { cast, concat, expand, mul, neg, reduceMax, reduceSum, reshape, slice, transpose } from '../functions/index.ts';
import type { Attributes, OpName } from '../ops/attributes.ts';
import { type Shape, sameShape } from '../shape.ts';
import { isOp, type NodeFactory, type Tensor } from '../tensor.ts';
import { foldConstants } from './fold-constants.ts';

/**
 * The node of an op on inputs of this graph: a constant if all inputs are constants, a simpler node if a rule below
 * applies. Passes make their nodes with it. Passes run after `grad`, so `stopGradient` is dropped.
 */
export function simplify<K extends OpName>(
  graph: NodeFactory,
  op: K,
  inputs: readonly Tensor[],
  attributes: Attributes[K],
): Tensor {
  if (op === 'stopGradient') return inputs[0];
  return (
    foldConstants(graph, op, inputs, attributes) ??
    SIMPLER[op]?.(inputs, attributes) ??
    graph.node(op, inputs, attributes)
  );
}

/** A copy of a node on other inputs, with its own attributes by default. */
export const copyNode = (
  graph: NodeFactory,
  { op, attributes: own }: Tensor,
  inputs: readonly Tensor[],
  attributes: Tensor['attributes'] = own,
): Tensor => simplify<OpName>(graph, op, inputs, attributes);

/** Does it hold this number everywhere? */
const isEverywhere = (tensor: Tensor, value: number): boolean =>
  tensor.op === 'expand' || tensor.op === 'reshape'
    ? isEverywhere(tensor.inputs[0], value)
    : isOp(tensor, 'constant') && tensor.attributes.values.every((number) => number === value);

/** The other operand if it already has the shape of the result. */
const alone = (other: Tensor, [a, b]: readonly Tensor[], op: OpName): Tensor | undefined =>
  sameShape(other.shape, other.graph.node(op, [a, b], {}).shape) ? other : undefined;

const zeros = (inputs: readonly Tensor[], op: OpName): Tensor => {
  const { graph } = inputs[0];
  return expand(graph.constant(0), graph.node(op, inputs, {}).shape);
};

const SIMPLER: {
  readonly [K in OpName]?: (inputs: readonly Tensor[], attributes: Attributes[K]) => Tensor | undefined;
} = {
  add: ([a, b]) =>
    (isEverywhere(a, 0) ? alone(b, [a, b], 'add') : undefined) ??
    (isEverywhere(b, 0) ? alone(a, [a, b], 'add') : undefined),
  sub: ([a, b]) => {
    if (isEverywhere(b, 0)) return alone(a, [a, b], 'sub');
    return isEverywhere(a, 0) && alone(b, [a, b], 'sub') ? neg(b) : undefined;
  },
  mul: ([a, b]) => {
    if (isEverywhere(a, 0) || isEverywhere(b, 0)) return zeros([a, b], 'mul');
    return (
      (isEverywhere(a, 1) ? alone(b, [a, b], 'mul') : undefined) ??
      (isEverywhere(b, 1) ? alone(a, [a, b], 'mul') : undefined) ??
      scaledTwice(a, b) ??
      scaledTwice(b, a)
    );
  },
  neg: ([x]) => neg(x),
  cast: ([x], { to }) => cast(x, to),
  reshape: ([x], { shape }) => reshape(x, shape),
  expand: ([x], { shape }) => expand(x.op === 'expand' ? x.inputs[0] : x, shape),
  transpose: ([x], { permutation }) => {
    if (!isOp(x, 'transpose')) return transpose(x, permutation);
    const inner = x.attributes.permutation;
    return transpose(
      x.inputs[0],
      permutation.map((axis) => inner[axis]),
    );
  },
  concat: (parts, { axis }) => concat(parts, axis),
  slice: ([x], { axis, start, end }) => sliced(x, axis, start, end),
  reduceSum: ([x], { axes, keep }) => reduceSum(x, axes, keep),
  reduceMax: ([x], { axes, keep }) => {
    if (!axes.every((axis) => x.shape[axis] === 1)) return reduceMax(x, axes, keep);
    return keep ? x : reshape(x, without(x.shape, axes));
  },
};

const without = (shape: Shape, axes: readonly number[]): Shape => shape.filter((_, axis) => !axes.includes(axis));

/** (x * constant) * constant becomes x * constant. */
function scaledTwice(x: Tensor, factor: Tensor): Tensor | undefined {
  if (x.op !== 'mul' || !isOp(factor, 'constant')) return undefined;
  const inner = x.inputs.findIndex(({ op }) => op === 'constant');
  if (inner < 0) return undefined;
  return mul(x.inputs[1 - inner], simplify(x.graph, 'mul', [x.inputs[inner], factor], {}));
}

/** A slice. If one part of a concatenation holds it, it is taken from that part. */
function sliced(x: Tensor, axis: number, start: number, end: number): Tensor {
  if (start === 0 && end === x.shape[axis]) return x;
  if (isOp(x, 'slice') && x.attributes.axis === axis) {
    const from = x.attributes.start;
    return sliced(x.inputs[0], axis, from + start, from + end);
  }
  if (isOp(x, 'concat') && x.attributes.axis === axis) {
    let from = 0;
    for (const part of x.inputs) {
      const to = from + (part.shape[axis] as number);
      if (from <= start && end <= to) return sliced(part, axis, start - from, end - from);
      from = to;
    }
  }
  return isOp(x, 'constant') ? simplify(x.graph, 'slice', [x], { axis, start, end }) : slice(x, axis, start, end);
}
