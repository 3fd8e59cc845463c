/**
 * Leaves out what no output depends on: lanes that are masked away, slices that nobody takes, and with them the columns and
 * members of the weights that made them. A sum skips lanes that are known to be 0.
 */

import { Graph } from '../graph.ts';
import type { OpName } from '../ops/attributes.ts';
import { nodesBefore } from '../order.ts';
import { isBatch, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type AxisLanes, allOf, type Lanes, lanesOf, listed, range, reshapedLanes, union } from './axes.ts';
import { type Facts, factsOf } from './facts.ts';
import { make } from './simplify.ts';

/** What a node reads of its inputs to give some of its lanes, and which it then gives: at least those. */
interface Reading {
  inputs: AxisLanes[];
  given: AxisLanes;
}

type FactsOf = (tensor: Tensor) => Facts;

/** The same outputs without what they do not need, in a graph of their own. */
export function dropLanes(outputs: Record<string, Tensor>): Record<string, Tensor> {
  const nodes = nodesBefore(...Object.values(outputs));
  const facts = factsOf(nodes);
  const needed = neededLanes(nodes, Object.values(outputs), facts);
  const graph = new Graph();
  const copies = new Map<number, Tensor>();
  for (const node of nodes) {
    const lanes = needed.get(node.id);
    if (lanes === undefined) continue;
    const { inputs, given } = reading(node, lanes, facts);
    const operands = node.inputs.flatMap((input, i) => {
      const [copy, has] = [copies.get(input.id), needed.get(input.id)];
      return copy === undefined || has === undefined || isEmpty(inputs[i])
        ? []
        : [taken(copy, has, inputs[i], input.shape)];
    });
    copies.set(node.id, taken(copied(graph, node, operands, given), given, lanes, node.shape));
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, copies.get(output.id) as Tensor]));
}

function neededLanes(nodes: readonly Tensor[], outputs: readonly Tensor[], facts: FactsOf): Map<number, AxisLanes> {
  const needed = new Map<number, AxisLanes>(outputs.map((output) => [output.id, allOf(output.shape)]));
  for (const node of [...nodes].reverse()) {
    const lanes = needed.get(node.id);
    if (lanes === undefined) continue;
    const { inputs } = reading(node, lanes, facts);
    node.inputs.forEach((input, i) => {
      if (isEmpty(inputs[i])) return;
      const before = needed.get(input.id);
      const merged = before?.map((own, axis) => union(own, inputs[i][axis], input.shape[axis] as number));
      needed.set(input.id, merged ?? inputs[i]);
    });
  }
  return needed;
}

const isEmpty = (lanes: AxisLanes): boolean => lanes.some((own) => own.length === 0);

/** Lanes of an operand that is broadcast to the node. */
const broadcastLanes = (operand: Shape, lanes: AxisLanes): AxisLanes =>
  operand.map((size, axis) => (size === 1 ? 'all' : lanes[lanes.length - operand.length + axis]));

function reading(node: Tensor, lanes: AxisLanes, facts: FactsOf): Reading {
  const rule = READINGS[node.op];
  return rule === undefined ? broadcastReading(node, lanes) : rule(node as never, lanes, facts);
}

const broadcastReading = (node: Tensor, lanes: AxisLanes): Reading => ({
  inputs: node.inputs.map(({ shape }) => broadcastLanes(shape, lanes)),
  given: lanes,
});

/** Ops that cannot do with less. */
const whole = (node: Tensor): Reading => ({
  inputs: node.inputs.map(({ shape }) => allOf(shape)),
  given: allOf(node.shape),
});

/** Lanes of an axis that are not known to be 0: at least one. */
function contributing(size: Shape[number], ...lanes: (readonly number[] | undefined)[]): Lanes {
  if (isBatch(size)) return 'all';
  const places = range(size).filter((lane) => lanes.every((own) => own?.[lane] !== 0));
  return lanesOf(places.length === 0 ? [0] : places, size);
}

const READINGS: { readonly [K in OpName]?: (node: Tensor<K>, lanes: AxisLanes, facts: FactsOf) => Reading } = {
  gather: whole,
  pad: whole,
  scatterAdd: whole,
  reduceMax: whole,
  transpose: ({ attributes: { permutation } }, lanes) => ({
    inputs: [permutation.map((_, axis) => lanes[permutation.indexOf(axis)])],
    given: lanes,
  }),
  reshape: ({ inputs: [x], shape }, lanes) => {
    const both = reshapedLanes(x.shape, shape, lanes);
    return { inputs: [both.from], given: both.to };
  },
  slice: ({ inputs: [x], attributes: { axis, start }, shape }, lanes) => ({
    inputs: [
      lanes.map((own, a) =>
        a === axis
          ? lanesOf(
              listed(own, shape[a] as number).map((lane) => lane + start),
              x.shape[a] as number,
            )
          : own,
      ),
    ],
    given: lanes,
  }),
  concat: ({ inputs, attributes: { axis }, shape }, lanes) => {
    if (isBatch(shape[axis])) return { inputs: inputs.map(() => lanes), given: lanes };
    const wanted = listed(lanes[axis], shape[axis] as number);
    let start = 0;
    const parts = inputs.map((part) => {
      const size = part.shape[axis] as number;
      const own = wanted.filter((lane) => lane >= start && lane < start + size).map((lane) => lane - start);
      start += size;
      return lanes.map((other, a) => (a === axis ? lanesOf(own, size) : other));
    });
    return { inputs: parts, given: lanes };
  },
  softmax: ({ inputs: [x], attributes: { axis }, shape }, lanes, facts) => {
    const low = facts(x).low[axis];
    const own = lanes[axis];
    const skips = low !== undefined && own !== 'all' && own.every((lane) => !low.has(lane));
    const read = skips ? range(shape[axis] as number).filter((lane) => !low.has(lane)) : ('all' as const);
    const wanted = lanes.map((other, a) => (a === axis ? read : other));
    return { inputs: [wanted], given: wanted };
  },
  reduceSum: ({ inputs: [x], attributes: { axes, keep } }, lanes, facts) => {
    let next = 0;
    const read = x.shape.map((size, axis) => {
      if (axes.includes(axis)) {
        if (keep) next++;
        return contributing(size, facts(x).constant[axis]);
      }
      return lanes[next++];
    });
    return { inputs: [read], given: lanes };
  },
  matmul: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, lanes, facts) => {
    const [rows, columns] = lanes.slice(-2);
    const innerOf = (x: Tensor, turned: boolean): number => x.shape.length - (turned ? 2 : 1);
    const [innerA, innerB] = [innerOf(a, transposeA), innerOf(b, !transposeB)];
    const inner = contributing(a.shape[innerA], facts(a).constant[innerA], facts(b).constant[innerB]);
    const operand = ({ shape }: Tensor, last: [Lanes, Lanes], turned: boolean): AxisLanes => [
      ...broadcastLanes(shape.slice(0, -2), lanes.slice(0, -2)),
      ...(turned ? last.reverse() : last),
    ];
    return { inputs: [operand(a, [rows, inner], transposeA), operand(b, [inner, columns], transposeB)], given: lanes };
  },
};

const sizesOf = (shape: Shape, lanes: AxisLanes): Shape =>
  shape.map((size, axis) => (lanes[axis] === 'all' ? size : lanes[axis].length));

/** The node on operands that hold what it reads. */
function copied(graph: Graph, node: Tensor, operands: readonly Tensor[], given: AxisLanes): Tensor {
  switch (node.op) {
    case 'input': {
      const { name, shape, type } = (node as Tensor<'input'>).attributes;
      return taken(graph.input(name, shape, type), allOf(shape), given, shape);
    }
    case 'constant': {
      const { values, shape, type } = (node as Tensor<'constant'>).attributes;
      return taken(graph.constant(values, shape as number[], type), allOf(shape), given, shape);
    }
    case 'slice':
      return operands[0];
    case 'reshape':
    case 'expand':
      return make<'reshape' | 'expand'>(graph, node.op, operands, { shape: sizesOf(node.shape, given) });
    default:
      return make<OpName>(graph, node.op, operands, node.attributes);
  }
}

/** Some lanes of a tensor that holds some lanes. */
function taken(x: Tensor, has: AxisLanes, wanted: AxisLanes, shape: Shape): Tensor {
  return shape.reduce<Tensor>((rest, size, axis) => {
    if (isBatch(size) || has[axis] === wanted[axis]) return rest;
    const held = listed(has[axis], size);
    const places = listed(wanted[axis], size).map((lane) => held.indexOf(lane));
    const parts = runs(places).map(([start, end]) =>
      start === 0 && end === rest.shape[axis] ? rest : make(rest.graph, 'slice', [rest], { axis, start, end }),
    );
    return parts.length === 1 ? parts[0] : make(rest.graph, 'concat', parts, { axis });
  }, x);
}

/** Neighbours as [start, end). */
function runs(places: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last?.[1] === place) last[1]++;
    else found.push([place, place + 1]);
  }
  return found;
}
