/** The scenario x task grid of ranking metrics: what evaluation returns, prints and stores. */

import type { MeansRule } from './means.ts';

/** A number, or the reason why there is none (an undefined metric is never reported as a value). */
export type Metric = { value: number } | { undefined: string };

/** Metrics that have means over cells. */
export const MACRO_METRICS = ['auc', 'logloss', 'groupedAuc', 'ndcg', 'map', 'calibrationError'] as const;

/** Rows whose predicted probabilities are close. */
export interface CalibrationBucket {
  rows: number;
  positives: number;
  /** Mean predicted probability. */
  meanProbability: number;
  /** Share of positives, and its 95 % interval (Wilson). */
  positiveRate: number;
  low: number;
  high: number;
}

export interface Cell {
  scenario: string;
  task: string;
  /** Rows with a label, and how many of them are 1. */
  rows: number;
  positives: number;
  /** Rows of the scenario whose label for this task is missing. */
  unlabelled: number;
  /** Area under the ROC curve on logits; ties count one half. */
  auc: Metric;
  /** AUC within each group, averaged over groups with both classes, weighted by their rows. */
  groupedAuc: Metric;
  /**
   * Normalised discounted cumulative gain of the first k rows of each group's list, by logit, with the labels as gains: a mean over
   * the groups that have a label of 1. Rows with equal logits count by their expected value over all their orders.
   */
  ndcg: Metric;
  /** Average precision of the first k rows of each group's list, of min(k, labels of 1); a mean over the same groups. */
  map: Metric;
  /** Mean logistic loss on sigmoid(logit); probabilities clipped to [2^-52, 1 - 2^-52]. */
  logloss: Metric;
  /** Expected calibration error over 20 buckets of equal width. */
  calibrationError: Metric;
  /** These buckets, as far as they have rows; absent where scores are not numbers. */
  buckets?: CalibrationBucket[];
  positiveRate: Metric;
  /** Mean predicted probability. */
  meanProbability: Metric;
  /** Why the cell is left out of means and of early stopping; absent where it counts. */
  leftOut?: string;
}

/** Means over the cells that count by `Grid.means` and in which the metric is defined. */
export interface Macro {
  auc: Metric;
  groupedAuc: Metric;
  ndcg: Metric;
  map: Metric;
  logloss: Metric;
  calibrationError: Metric;
  /** How many cells the mean AUC is over. */
  cells: number;
}

export interface Grid {
  scenarios: string[];
  tasks: string[];
  /** Scenario by scenario, task by task. */
  cells: Cell[];
  macro: Macro;
  /** Rows of a list that NDCG and MAP are of. */
  k: number;
  /** Which cells count in `macro`. `fallback`: none has the minimum, so that all count equally. */
  means: MeansRule & { fallback: boolean };
}

/** Takes rows batch by batch and ends in a grid. Exact on any size; memory stays under a bound by spilling to disk. */
export interface GridAccumulator {
  /** logits [n, T], labels [n, T] (NaN = missing), scenario [n], group [n] (-1 = none). */
  add(batch: {
    size: number;
    logits: Float32Array;
    labels: Float32Array;
    scenario: Int32Array;
    group: Int32Array;
  }): void;
  finish(): Promise<Grid>;
  /** Removes spilled files; safe to call twice. */
  dispose(): void;
}
