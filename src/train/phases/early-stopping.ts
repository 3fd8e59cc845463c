/** Early stopping: updates the state of a run from a validation grid. */
import type { RunConfig } from '../../config/run.ts';
import type { Grid } from '../../evaluate/grid.ts';
import type { LoopState } from '../run/state.ts';
import type { PhasePlan } from './phases.ts';

export interface Verdict {
  /** The monitored value; null if no cell of the grid has it: then the validation does not count. */
  monitor: number | null;
  /** Is it the best value of the phase so far? */
  best: boolean;
}

/** Judges a validation: the best value of the phase, and whether the phase has ended because none was better. */
export function judge(state: LoopState, plan: PhasePlan, grid: Grid, metric: RunConfig['train']['monitor']): Verdict {
  const found = grid.macro[metric];
  const monitor = 'value' in found ? found.value : null;
  const best = monitor !== null && (state.best === null || isBetter(monitor, state.best, metric));
  state.epochsSinceBest = best || monitor === null ? 0 : state.epochsSinceBest + 1;
  if (best) Object.assign(state, { best: monitor, bestStep: state.step } satisfies Partial<LoopState>);
  state.ended = plan.patience !== undefined && state.epochsSinceBest >= plan.patience;
  return { monitor, best };
}

/** Ends the epoch in `state`, after its last validation. */
export function endEpoch(state: LoopState, plan: PhasePlan): void {
  state.epoch++;
  state.batch = 0;
  state.lossSums.fill(0);
  state.lossSteps.fill(0);
  state.epochs[state.phase] = state.epoch;
  state.ended ||= state.epoch === plan.epochs;
}

const isBetter = (value: number, than: number, metric: RunConfig['train']['monitor']): boolean =>
  metric === 'auc' ? value > than : value < than;
