/**
 * Facts about the lanes of a tensor that hold for all rows: lanes that hold one number everywhere (the zeros of a
 * mask), and lanes that are so low that a softmax gives exactly 0.
 */
import { isBatch, type Shape } from '../../shape.ts';
import { isOp, type Tensor } from '../../tensor.ts';

export interface Facts {
  /**
   * By axis, then by lane: the number that the lane holds everywhere, else NaN; undefined if no lane of the axis is
   * known.
   */
  constant: (readonly number[] | undefined)[];
  /** By axis: the lanes that are far below all others. */
  low: (ReadonlySet<number> | undefined)[];
}

/** Logits of at most this have no share in a softmax with ordinary ones: e^-1e8 is 0. */
const LOW = -1e8;

export const NOTHING: Facts = { constant: [], low: [] };

export type FactsOf = (tensor: Tensor) => Facts;

/** Numbers of lanes as a fact: undefined if none is known. */
export const known = (lanes: readonly number[]): readonly number[] | undefined =>
  lanes.every(Number.isNaN) ? undefined : lanes;

/** The lanes of a fixed axis for which a condition holds; undefined if there are none. */
export function lanesWhere(
  shape: Shape,
  axis: number,
  holds: (lane: number) => boolean,
): ReadonlySet<number> | undefined {
  const size = shape[axis];
  if (isBatch(size)) return undefined;
  const found = new Set<number>();
  for (let lane = 0; lane < size; lane++) if (holds(lane)) found.add(lane);
  return found.size === 0 ? undefined : found;
}

/** Facts of an op that works number by number; `scalar`: the op on one number of each operand. */
export function elementwise(node: Tensor, of: FactsOf, scalar: (...operands: number[]) => number): Facts {
  const at = (input: Tensor, axis: number, lane: number): number => along(input, node.shape, axis, lane, of);
  const constant = node.shape.map((size, axis) => {
    if (isBatch(size) || !node.inputs.some((input) => hasFacts(input, node.shape, axis, of))) return undefined;
    return known(
      Array.from({ length: size }, (_, lane) => {
        const operands = node.inputs.map((input) => at(input, axis, lane));
        if (node.op === 'mul' && operands.includes(0)) return 0;
        return operands.some(Number.isNaN) ? Number.NaN : scalar(...operands);
      }),
    );
  });
  const low = node.shape.map((_, axis) => {
    if (node.op !== 'add' || !node.inputs.some((input) => hasFacts(input, node.shape, axis, of))) return undefined;
    return lanesWhere(node.shape, axis, (lane) =>
      node.inputs.some((input) => at(input, axis, lane) <= LOW || isLow(input, node.shape, axis, lane, of)),
    );
  });
  return { constant, low };
}

function hasFacts(input: Tensor, result: Shape, axis: number, of: FactsOf): boolean {
  const own = axis - (result.length - input.shape.length);
  if (own < 0) return input.op === 'constant';
  return of(input).constant[own] !== undefined || of(input).low[own] !== undefined;
}

function isLow(input: Tensor, result: Shape, axis: number, lane: number, of: FactsOf): boolean {
  const own = axis - (result.length - input.shape.length);
  return own >= 0 && (of(input).low[own]?.has(input.shape[own] === 1 ? 0 : lane) ?? false);
}

/** The number that an operand holds along a lane of the result; NaN if it is not known. */
function along(operand: Tensor, result: Shape, axis: number, lane: number, of: FactsOf): number {
  const own = axis - (result.length - operand.shape.length);
  if (own >= 0) {
    const lanes = of(operand).constant[own];
    return lanes?.[operand.shape[own] === 1 ? 0 : lane] ?? Number.NaN;
  }
  if (isOp(operand, 'constant')) {
    const { values } = operand.attributes;
    return values.every((value) => value === values[0]) ? values[0] : Number.NaN;
  }
  return Number.NaN;
}
