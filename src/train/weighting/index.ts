/** Methods that weight the losses of tasks, for any model: `train.taskWeighting`. */
import type { TaskWeightingOptions } from '../../config/run.ts';
import type { ParameterSpec } from '../../model/contract.ts';
import type { OptimizerOptions } from '../step/optimizer.ts';
import type { TaskGradients, TaskWeighting } from './contract.ts';
import { type DwaState, dwa, startDwa } from './dwa.ts';
import { type GradNormState, gradNorm, startGradNorm } from './gradnorm.ts';
import { pcgrad } from './pcgrad.ts';
import { logVarianceSpec, uncertainty, WEIGHTING_GROUP } from './uncertainty.ts';

/** State of the methods in a phase, without parameters: plain JSON, empty at the start of the phase. */
export interface WeightingState {
  dwa?: DwaState;
  gradNorm?: GradNormState;
}

/** Inputs of a run's weighting. */
export interface WeightingParts {
  options: TaskWeightingOptions;
  /** Weights given by the run, one per task: 1 each if a method finds them. */
  taskWeights: readonly number[];
  /** The learned variances, if the method has any. */
  logVariance: () => Float32Array;
  seed: number;
  phase: string;
}

/** The weighting of a phase. It starts or continues from `state`, and keeps `state` up to date. */
export function openWeighting(parts: WeightingParts, state: WeightingState): TaskWeighting {
  const { options, taskWeights, seed, phase } = parts;
  const tasks = taskWeights.length;
  switch (options.kind) {
    case 'fixed':
      return fixed(taskWeights);
    case 'uncertainty':
      return uncertainty(parts.logVariance());
    case 'dwa':
      state.dwa ??= startDwa();
      return dwa(state.dwa, tasks, options.temperature);
    case 'gradnorm':
      state.gradNorm ??= startGradNorm(tasks);
      return gradNorm(state.gradNorm, options);
    case 'pcgrad':
      return pcgrad({ weights: taskWeights, seed, phase });
  }
}

/** What a method needs from the training graph. */
export const taskGradients = ({ kind }: TaskWeightingOptions): TaskGradients | undefined =>
  kind === 'pcgrad' ? 'whole' : kind === 'gradnorm' ? 'norms' : undefined;

/** Parameters that a method adds before those of the model. */
export const weightingParameters = ({ kind }: TaskWeightingOptions, tasks: number): ParameterSpec[] =>
  kind === 'uncertainty' ? [logVarianceSpec(tasks)] : [];

/** The run's optimiser groups and that of the weighting, which has L2 and weight decay only if the run sets them. */
export const withWeightingGroup = (groups: OptimizerOptions['groups']): OptimizerOptions['groups'] => ({
  ...groups,
  [WEIGHTING_GROUP]: { l2: 0, weightDecay: 0, ...groups[WEIGHTING_GROUP] },
});

/** Constant weights. */
export const fixed = (weights: readonly number[]): TaskWeighting => ({ weights: () => weights });
