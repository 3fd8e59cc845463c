/**
 * Graphs for what is known beforehand: weights that no longer change, inputs that are the same in every row. Values stay equal,
 * to rounding; what is done for each row becomes less.
 */
import type { Tensor } from '../tensor.ts';
import { type Apart, takeWeightsApart } from './apart.ts';
import { dropLanes } from './lanes.ts';
import { dropLeading } from './leading.ts';
import { mergeProducts } from './products.ts';
import { type Known, specialise } from './specialise.ts';

export type { Apart } from './apart.ts';
export type { Known } from './specialise.ts';
export { workOut } from './weights.ts';

/**
 * Outputs for rows of which something is known. Inputs without a batch are taken as weights: what follows from them alone is
 * given apart, to be computed once.
 */
export const fold = (outputs: Record<string, Tensor>, known: Known = {}): Apart =>
  takeWeightsApart(mergeProducts(dropLeading(dropLanes(specialise(outputs, known)))));
