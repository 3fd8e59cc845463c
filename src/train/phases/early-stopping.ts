/** Early stopping: updates the state of a run from an epoch's validation grid. */
import type { RunConfig } from '../../config/run.ts';
import type { Grid } from '../../evaluate/grid.ts';
import type { LoopState } from '../run/state.ts';
import type { PhasePlan } from './phases.ts';

export interface Verdict {
  /** The monitored value; null if no cell of the grid has it: then the epoch does not count. */
  monitor: number | null;
  /** Is it the best value of the phase so far? */
  best: boolean;
}

/** Ends the epoch in `state`: its count, the best value, and whether the phase has ended. */
export function judgeEpoch(
  state: LoopState,
  plan: PhasePlan,
  grid: Grid,
  metric: RunConfig['train']['monitor'],
): Verdict {
  const found = grid.macro[metric];
  const monitor = 'value' in found ? found.value : null;
  const best = monitor !== null && (state.best === null || isBetter(monitor, state.best, metric));
  state.epoch++;
  state.batch = 0;
  state.lossSums.fill(0);
  state.lossSteps.fill(0);
  state.epochs[state.phase] = state.epoch;
  state.epochsSinceBest = best || monitor === null ? 0 : state.epochsSinceBest + 1;
  if (best) state.best = monitor;
  const impatient = plan.patience !== undefined && state.epochsSinceBest >= plan.patience;
  state.ended = state.epoch === plan.epochs || impatient;
  return { monitor, best };
}

const isBetter = (value: number, than: number, metric: RunConfig['train']['monitor']): boolean =>
  metric === 'auc' ? value > than : value < than;
