/** From the search of flows to retraining. */

import { view } from '../../inference/arena/weights.ts';
import { freezeTable } from '../../tables/open.ts';
import { shareWeights } from '../ranks/share.ts';
import type { Setup } from '../run/setup.ts';
import { type LoopState, restoreSnapshot } from '../run/state.ts';
import { clearMoments } from '../step/initialize.ts';
import { LOG_VARIANCE } from '../weighting/uncertainty.ts';

/**
 * Weights return to the rewind snapshot. The gate network keeps the result of the search and reads a frozen copy of the table at
 * the end of the search. Optimiser and task weighting are reset.
 */
export async function enterNextPhase(setup: Setup, state: LoopState, checkpoints: string): Promise<void> {
  const { weights, model } = setup;
  freezeTable(weights.tables);
  const isGate = (name: string): boolean =>
    name === 'gateEmbedding' || (model.flowSelection?.isGateParameter(name) ?? false);
  await restoreSnapshot(checkpoints, setup, 'rewind', isGate);
  await shareWeights(setup);
  if (weights.range.has(LOG_VARIANCE)) view(weights, LOG_VARIANCE).fill(0);
  clearMoments(weights);
  Object.assign(state, {
    phase: state.phase + 1,
    epoch: 0,
    batch: 0,
    step: 0,
    weighting: {},
    best: null,
    epochsSinceBest: 0,
    bestStep: 0,
    ended: false,
  } satisfies Partial<LoopState>);
}
