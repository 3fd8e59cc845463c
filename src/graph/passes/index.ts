/**
 * The passes, in their order. They make a graph for what is known beforehand: weights that no longer change, inputs
 * that are the same in every row. Values stay equal, to rounding; the work per row becomes less. docs/ops.md says how
 * to add a pass.
 */
import { fuseMatmuls } from './fuse-matmuls.ts';
import { hoistWeights } from './hoist-weights.ts';
import type { Outputs, Pass, Program } from './pass.ts';
import { pruneLanes } from './prune-lanes.ts';
import { type Known, specialise } from './specialise.ts';
import { squeezeUnitAxes } from './squeeze-unit-axes.ts';

export { batchInvariant } from './batch-invariant.ts';
export { evaluateWeights } from './numbers/evaluate-weights.ts';
export type { Program } from './pass.ts';
export type { Known } from './specialise.ts';

const passes = (known: Known, fuse: boolean): readonly Pass[] => [
  // Puts constants where inputs are known, and folds what follows from them. First: the other passes live on its
  // constants.
  specialise(known),
  // Dead code elimination, lane by lane: what masks and slices leave unread. Before the passes that weigh costs.
  pruneLanes,
  // Drops axes of size 1 that stacks keep when one member is left: the next pass then finds plain products.
  squeezeUnitAxes,
  // Makes one product of several where that takes fewer multiply-adds. Its kernels are computed from weights ...
  ...(fuse ? [fuseMatmuls] : []),
  // ... so what depends on weights alone is taken out last.
  hoistWeights,
];

/**
 * Folds what is known into a graph. Inputs without a batch count as weights.
 *
 * @param fuse let products become one where that takes fewer multiply-adds. Sums are then added up in another order and
 *   round differently; without it, every number that is still computed is computed as before.
 */
export const fold = (outputs: Outputs, known: Known = {}, fuse = true): Program =>
  passes(known, fuse).reduce<Program>((program, pass) => pass(program), { outputs, weights: {} });

// batchInvariant is no part of `fold`: it prepares every serving graph, folded or not, and would hide stacks from the
// passes.
