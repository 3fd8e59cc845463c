/** Contract of a task weighting: it gives weights, and learns from steps and epochs. */
import type { Value } from '../../runtime/contract.ts';
import type { Gradients } from '../step/optimizer.ts';

/**
 * What a training graph outputs per task: `whole` gradients of each, named by `taskOutput`, or `taskNorms` [T], the norms of the
 * gradients with respect to the gathered embeddings.
 */
export type TaskGradients = 'whole' | 'norms';

/** Name of the output with one task's gradient. */
export const taskOutput = (task: number, gradient: string): string => `task.${task}.${gradient}`;

/** Like `gradients`, but of one task's weighted loss instead of the whole loss. */
export interface TaskGradient {
  /** [P], laid out like the graph's flat gradient. */
  dense: Float32Array;
  /** [U, D], laid out like the sums over table rows. */
  rows: Float32Array;
}

/** A step after the run of its graph and before the optimiser. */
export interface StepOutcome {
  /** Counts from 1 within the phase. */
  step: number;
  /** Loss of each task without its weight; NaN for a task without a label in the batch. */
  losses: Float32Array;
  /** Factor of the sum over tasks: 1 or 1/T. */
  scale: number;
  /** Outputs of the graph. */
  results: Readonly<Record<string, Value>>;
  /** Gradients of the whole loss; the optimiser takes them next. */
  gradients: Gradients;
  /** Gradients of each task alone, from graphs that output `whole` gradients. */
  taskGradients(): Promise<TaskGradient[]>;
  /** Adds up numbers computed from gradients of table rows, of which a rank may have a part. */
  sumOverOwners(numbers: Float64Array): Promise<void>;
}

export interface TaskWeighting {
  /** Weight of each task's loss in the coming step. */
  weights(): readonly number[];
  /**
   * Learns from a step, or changes its gradients. Returns the total factors of the task gradients if they differ from
   * `weights()`.
   */
  afterRun?(outcome: StepOutcome): Promise<readonly number[] | undefined> | readonly number[] | undefined;
  /** Learns from the mean losses of an epoch; NaN for a task without labels. */
  afterEpoch?(losses: readonly number[]): void;
}
