/** Data flow by lanes: which lanes of its inputs an op reads to compute some lanes of its result. */
import { range } from '../../../base/numbers.ts';
import type { OpName } from '../../ops/attributes.ts';
import { ruleOf } from '../../ops/table.ts';
import { isBatch, type Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import type { FactsOf } from './facts.ts';
import { type AxisLanes, allOf, type Lanes, lanesOf, listed, reshapedLanes } from './lanes.ts';

/** The lanes that a node reads of its inputs, and those that it then gives: a superset of those that were requested. */
interface Reads {
  inputs: AxisLanes[];
  given: AxisLanes;
}

/** Lanes of an operand that is broadcast to the node. */
const broadcastLanes = (operand: Shape, lanes: AxisLanes): AxisLanes =>
  operand.map((size, axis) => (size === 1 ? 'all' : lanes[lanes.length - operand.length + axis]));

/** What a node reads to give `lanes`. Ops without a rule read everything, unless they work number by number. */
export function readsOf(node: Tensor, lanes: AxisLanes, facts: FactsOf): Reads {
  const rule = READS[node.op];
  if (rule !== undefined) return rule(node as never, lanes, facts);
  return ruleOf(node).layout === 'elementwise' ? broadcastReads(node, lanes) : whole(node);
}

const broadcastReads = (node: Tensor, lanes: AxisLanes): Reads => ({
  inputs: node.inputs.map(({ shape }) => broadcastLanes(shape, lanes)),
  given: lanes,
});

/** Ops that read all lanes. */
const whole = (node: Tensor): Reads => ({
  inputs: node.inputs.map(({ shape }) => allOf(shape)),
  given: allOf(node.shape),
});

/** The lanes of an axis that are not known to be 0; one lane if all are. */
function contributing(size: Shape[number], ...lanes: (readonly number[] | undefined)[]): Lanes {
  if (isBatch(size)) return 'all';
  const places = range(size).filter((lane) => lanes.every((own) => own?.[lane] !== 0));
  return lanesOf(places.length === 0 ? [0] : places, size);
}

const READS: { readonly [K in OpName]?: (node: Tensor<K>, lanes: AxisLanes, facts: FactsOf) => Reads } = {
  input: broadcastReads,
  constant: broadcastReads,
  expand: broadcastReads,
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
