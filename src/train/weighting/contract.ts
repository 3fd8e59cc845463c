/** What a way of weighing tasks against each other does: it gives weights, and learns from steps and epochs. */
import type { Value } from '../../runtime/contract.ts';
import type { Gradients } from '../step/optimizer.ts';

/**
 * What a training graph gives of the tasks: `whole` gradients of each, `taskOutput` by name, or `taskNorms` [T], the norms
 * of their gradients with respect to what was gathered from the table.
 */
export type TaskGradients = 'whole' | 'norms';

/** Name of the output with one task's part of a gradient. */
export const taskOutput = (task: number, gradient: string): string => `task.${task}.${gradient}`;

/** What `gradients` are of the whole loss, of one task's weighted loss. */
export interface TaskGradient {
  /** [P], as the graph's flat gradient. */
  dense: Float32Array;
  /** [U, D], as the sums over table rows. */
  rows: Float32Array;
}

/** A step between the run of its graph and the optimiser. */
export interface StepOutcome {
  /** Counts from 1 within the phase. */
  step: number;
  /** Loss of each task without its weight; NaN for a task without a label in the batch. */
  losses: Float32Array;
  /** What the sum over tasks was multiplied by: 1, or 1/T. */
  scale: number;
  /** Outputs of the graph. */
  results: Readonly<Record<string, Value>>;
  /** Of the whole loss; the optimiser takes them next. */
  gradients: Gradients;
  /** Of each task alone, from graphs that give `whole` gradients. */
  taskGradients(): TaskGradient[];
}

export interface TaskWeighting {
  /** Weight of each task's loss in the coming step. */
  weights(): readonly number[];
  /**
   * Learns from a step, or changes its gradients. Returns what the gradients of the tasks have been multiplied by in all,
   * where that is not `weights()`.
   */
  afterRun?(outcome: StepOutcome): readonly number[] | undefined;
  /** Learns from the mean losses of an epoch; NaN for a task without labels. */
  afterEpoch?(losses: readonly number[]): void;
}
