/**
 * Graphs for what is known beforehand: weights that no longer change, inputs that are the same in every row. Values stay equal,
 * to rounding; what is done for each row becomes less.
 */
import type { Tensor } from '../tensor.ts';
import { mergeProducts } from './fuse-matmuls.ts';
import { type Apart, takeWeightsApart } from './hoist-weights.ts';
import { dropLanes } from './prune-lanes.ts';
import { type Known, specialise } from './specialise.ts';
import { dropLeading } from './squeeze-unit-axes.ts';

export type { Apart } from './hoist-weights.ts';
export type { Known } from './specialise.ts';
export { workOut } from './weights.ts';

/**
 * Outputs for rows of which something is known. Inputs without a batch are taken as weights: what follows from them alone is
 * given apart, to be computed once.
 *
 * @param merge let products become one where that takes fewer multiply-adds. What is left is summed in another order then, and
 *   rounds otherwise; without it every number that is computed is computed as before.
 */
export function fold(outputs: Record<string, Tensor>, known: Known = {}, merge = true): Apart {
  const needed = dropLeading(dropLanes(specialise(outputs, known)));
  return takeWeightsApart(merge ? mergeProducts(needed) : needed);
}
