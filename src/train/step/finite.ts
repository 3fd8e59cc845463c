/** Training stops if a number is not finite, so no checkpoint and no model contains one. */
import { error, TributaryError } from '../../base/errors/index.ts';
import { firstNotFinite } from '../../base/numbers.ts';
import type { Collective } from '../../comm/contract.ts';
import { gatherJson } from '../../comm/json.ts';
import type { PreparedField } from '../../data/encode/ids.ts';
import { bufferViews, type Weights } from '../../inference/arena/weights.ts';
import type { Kernels, Region } from '../../kernels/index.ts';

/** Position of a training. */
export interface Place {
  phase: string;
  /** From 1. */
  epoch: number;
  /** Steps done in the phase. */
  step: number;
  learningRate?: number;
}

export const notFinite = (
  what: string,
  place: Place,
  { largestGradient, weights }: { largestGradient?: number; weights?: number } = {},
): TributaryError =>
  error('LOSS_NOT_FINITE', {
    what,
    ...place,
    ...(largestGradient !== undefined && { largestGradient: String(largestGradient) }),
    ...(weights !== undefined && { weights: String(weights) }),
  });

/** Turns MODEL_NOT_FINITE, raised while training scores rows, into LOSS_NOT_FINITE. Returns other errors unchanged. */
export function asBreakdown(cause: unknown, place: Place): unknown {
  if (!(cause instanceof TributaryError) || cause.code !== 'MODEL_NOT_FINITE') return cause;
  return notFinite((cause.details as { what: string }).what, place);
}

/** The parameter at an index of the flat vector. */
export const nameOf = ({ range }: Weights, index: number): string =>
  [...range].find(([, { from, to }]) => from <= index && index < to)?.[0] ?? 'a parameter';

/**
 * Checks every parameter, buffer, table row and moment. One pass over memory is cheap compared with a checkpoint.
 *
 * @throws LOSS_NOT_FINITE
 */
export function checkWeights(
  kernels: Kernels,
  weights: Weights,
  fields: readonly Pick<PreparedField, 'name' | 'offset' | 'size'>[],
  place: Place,
): void {
  const { dense, bufferValues, tables, denseMoments } = weights;
  const rowOf = (index: number): string => {
    const { rank, size } = tables.shards ?? { rank: 0, size: 1 };
    const row = Math.floor(index / tables.dimension) * size + rank;
    const field = fields.find(({ offset, size }) => offset <= row && row < offset + size);
    return field === undefined ? `row ${row}` : `id ${row - field.offset} of field "${field.name}"`;
  };
  const moment = (of: string): string => `the optimiser's moment of ${of}`;
  const parts: [readonly Region[], (index: number) => string][] = [
    [[dense], (index) => `parameter ${nameOf(weights, index)}`],
    [[bufferValues], (index) => `moving average ${bufferAt(weights, index)}`],
    [tables.parts('embedding'), (index) => `the embedding of ${rowOf(index)}`],
    [tables.parts('gateEmbedding'), (index) => `the gate embedding of ${rowOf(index)}`],
    ...denseMoments.map((region): [Region[], (index: number) => string] => [
      [region],
      (index) => moment(nameOf(weights, index)),
    ]),
    ...(['firstMoment', 'secondMoment'] as const).map((part): [readonly Region[], (index: number) => string] => [
      tables.parts(part),
      (index) => moment(`the embedding of ${rowOf(index)}`),
    ]),
  ];
  for (const [regions, named] of parts) {
    let before = 0;
    for (const region of regions) {
      if (!Number.isFinite(kernels.largest(region, 0, region.view.length)))
        throw notFinite(named(before + firstNotFinite(region.view)), place);
      before += region.view.length;
    }
  }
}

/**
 * Runs a check of numbers of which each rank has a part; all report what one finds. `ranks`: undefined where this one has them all.
 *
 * @throws LOSS_NOT_FINITE
 */
export async function checkTogether(ranks: Collective | undefined, place: Place, check: () => void): Promise<void> {
  if (ranks === undefined) return check();
  let own: string | null = null;
  try {
    check();
  } catch (cause) {
    if (!(cause instanceof TributaryError)) throw cause;
    own = (cause.details as { what: string }).what;
  }
  const found = (await gatherJson(ranks, own)).find((what) => what !== null);
  if (found !== undefined) throw notFinite(found, place);
}

function bufferAt(weights: Weights, index: number): string {
  let from = 0;
  for (const [{ name }, numbers] of bufferViews(weights)) {
    if (index < from + numbers.length) return name;
    from += numbers.length;
  }
  return 'of the model';
}
