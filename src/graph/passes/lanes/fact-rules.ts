/** How facts about lanes follow from the facts of an op's inputs: a rule for each op that preserves some. */
import type { OpName } from '../../ops/attributes.ts';
import { isBatch } from '../../shape.ts';
import { isOp, type Tensor } from '../../tensor.ts';
import { strides } from '../numbers/numbers.ts';
import { castTo, SCALAR } from '../numbers/scalar.ts';
import { elementwise, type Facts, type FactsOf, known, lanesWhere, NOTHING } from './facts.ts';
import { axisGroups } from './lanes.ts';

/** The facts of nodes. `nodes`: in order, inputs first. */
export function factsOf(nodes: readonly Tensor[]): (tensor: Tensor) => Facts {
  const known = new Map<number, Facts>();
  const of = ({ id }: Tensor): Facts => known.get(id) ?? NOTHING;
  for (const node of nodes) {
    const found = facts(node, of);
    if (found !== undefined) known.set(node.id, found);
  }
  return of;
}

function facts(node: Tensor, of: FactsOf): Facts | undefined {
  if (isOp(node, 'constant')) return ofConstant(node);
  if (node.inputs.every((input) => of(input) === NOTHING)) return undefined;
  const rule = RULES[node.op] as Rule<OpName> | undefined;
  if (rule !== undefined) return rule(node, of);
  const scalar = isOp(node, 'cast') ? castFunction(node) : SCALAR[node.op];
  return scalar === undefined ? undefined : elementwise(node, of, scalar);
}

const castFunction =
  ({ attributes: { to } }: Tensor<'cast'>) =>
  (x: number): number =>
    castTo(to, x);

function ofConstant({ attributes: { values }, shape }: Tensor<'constant'>): Facts {
  const sizes = shape as readonly number[];
  const steps = strides(sizes);
  const constant = sizes.map((size, axis) => {
    const lanes = new Array<number | undefined>(size).fill(undefined);
    values.forEach((value, place) => {
      const lane = Math.floor(place / steps[axis]) % size;
      if (lanes[lane] === undefined) lanes[lane] = value;
      else if (lanes[lane] !== value) lanes[lane] = Number.NaN;
    });
    return known(lanes.map((value) => value ?? Number.NaN));
  });
  return { constant, low: [] };
}

/** The facts that sums and products preserve: only zeros. */
const zerosOf = (lanes: readonly number[] | undefined): readonly number[] | undefined =>
  lanes && known(lanes.map((value) => (value === 0 ? 0 : Number.NaN)));

type Rule<K extends OpName> = (node: Tensor<K>, of: FactsOf) => Facts;

const RULES: { readonly [K in OpName]?: Rule<K> } = {
  expand: (node, of) => elementwise(node, of, (x) => x),
  softmax: (node, of) => {
    const { axis } = node.attributes;
    const low = of(node.inputs[0]).low[axis];
    if (low === undefined || low.size === node.shape[axis]) return NOTHING;
    const constant = node.shape.map((size, a) =>
      a === axis ? Array.from({ length: size as number }, (_, lane) => (low.has(lane) ? 0 : Number.NaN)) : undefined,
    );
    return { constant, low: [] };
  },
  transpose: (node, of) => {
    const { permutation } = node.attributes;
    const { constant, low } = of(node.inputs[0]);
    return { constant: permutation.map((axis) => constant[axis]), low: permutation.map((axis) => low[axis]) };
  },
  reshape: (node, of) => reshaped(node, of(node.inputs[0])),
  slice: (node, of) => {
    const { axis, start, end } = node.attributes;
    const { constant, low } = of(node.inputs[0]);
    return {
      constant: node.shape.map((_, a) => (a === axis ? constant[a]?.slice(start, end) : constant[a])),
      low: node.shape.map((_, a) =>
        a === axis ? lanesWhere(node.shape, a, (lane) => low[a]?.has(lane + start) ?? false) : low[a],
      ),
    };
  },
  concat: (node, of) => {
    const { axis } = node.attributes;
    const parts = node.inputs.flatMap(
      (part) => of(part).constant[axis] ?? new Array<number>(part.shape[axis] as number).fill(Number.NaN),
    );
    return { constant: node.shape.map((_, a) => (a === axis ? known(parts) : undefined)), low: [] };
  },
  reduceSum: (node, of) => {
    const { axes, keep } = node.attributes;
    const { constant } = of(node.inputs[0]);
    const zeros = constant.map((lanes, axis) => (axes.includes(axis) ? undefined : zerosOf(lanes)));
    return { constant: keep ? zeros : zeros.filter((_, axis) => !axes.includes(axis)), low: [] };
  },
  matmul: (node, of) => {
    const [a, b] = node.inputs;
    const { transposeA, transposeB } = node.attributes;
    const rank = node.shape.length;
    const constant = node.shape.map((_, axis) => {
      if (axis === rank - 2) return zerosOf(of(a).constant[a.shape.length - (transposeA ? 1 : 2)]);
      if (axis === rank - 1) return zerosOf(of(b).constant[b.shape.length - (transposeB ? 2 : 1)]);
      return undefined;
    });
    return { constant, low: [] };
  },
};

function reshaped(node: Tensor, { constant, low }: Facts): Facts {
  const [x] = node.inputs;
  const result: Facts = { constant: [], low: [] };
  for (const { from, to } of axisGroups(x.shape, node.shape)) {
    if (from.length === 1 && to.length === 1) {
      result.constant[to[0]] = constant[from[0]];
      result.low[to[0]] = low[from[0]];
      continue;
    }
    const sizes = [...from.map((axis) => x.shape[axis]), ...to.map((axis) => node.shape[axis])];
    if (sizes.some(isBatch) || from.every((axis) => constant[axis] === undefined)) continue;
    const [steps, stepsTo] = [
      strides(from.map((axis) => x.shape[axis] as number)),
      strides(to.map((axis) => node.shape[axis] as number)),
    ];
    const count = from.reduce((product, axis) => product * (x.shape[axis] as number), 1);
    const places = Array.from({ length: count }, (_, place) =>
      from
        .map((axis, k) => constant[axis]?.[Math.floor(place / steps[k]) % (x.shape[axis] as number)] ?? Number.NaN)
        .find((value) => !Number.isNaN(value)),
    );
    to.forEach((axis, k) => {
      const size = node.shape[axis] as number;
      const lanes = new Array<number | undefined>(size).fill(undefined);
      const mixed = new Set<number>();
      places.forEach((value, place) => {
        const lane = Math.floor(place / stepsTo[k]) % size;
        if (value === undefined || (lanes[lane] !== undefined && lanes[lane] !== value)) mixed.add(lane);
        else lanes[lane] = value;
      });
      result.constant[axis] = known(lanes.map((value, lane) => (mixed.has(lane) ? Number.NaN : (value ?? Number.NaN))));
    });
  }
  return result;
}
