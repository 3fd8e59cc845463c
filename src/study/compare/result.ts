/** The result of a comparison: what result.json holds. A function of configuration, data and seeds alone: no times, no paths. */
import type { MeansRule } from '../../evaluate/index.ts';
import type { Correction, Mean, Test } from '../../evaluate/significance/index.ts';
import type { ModelCost } from '../../train/cost.ts';

export const METRICS = ['auc', 'groupedAuc', 'ndcg', 'map', 'logloss', 'calibrationError'] as const;
export type MetricName = (typeof METRICS)[number];

/** Over the seeds in which the metric is defined; null where it never is. Results of older versions have no NDCG and MAP. */
export type MetricMeans = Record<Exclude<MetricName, 'ndcg' | 'map'>, Mean | null> & {
  ndcg?: Mean | null;
  map?: Mean | null;
};

export interface CellMeans extends MetricMeans {
  scenario: string;
  task: string;
  /** Test rows with a label, and how many of them are 1. */
  rows: number;
  positives: number;
}

export interface ModelResult extends ModelCost {
  data: string;
  /** Its label. */
  model: string;
  key: string;
  /** For references. */
  by?: 'task' | 'scenario';
  /** Seeds that were trained to their end. */
  seeds: number[];
  /** Trainings that broke down. */
  failed: { cell: string; code: string; message: string }[];
  /** Of the mean over the cells that count. */
  macro: MetricMeans;
  cells: CellMeans[];
  /** Per seed. */
  epochs: Record<string, number>[];
}

/** With p corrected for all comparisons of its kind in its table. */
export type CorrectedTest = Test & { corrected: number };

export interface CellTests {
  scenario: string;
  task: string;
  /** DeLong's test of the mean AUC over seeds on the test rows. */
  delong: CorrectedTest | null;
  /** The same by bootstrap of groups. */
  bootstrap: CorrectedTest | null;
  /** Paired t test over seeds. */
  seeds: CorrectedTest | null;
}

/** AUC of a model minus that of another on the same rows, seeds paired. */
export interface ModelTests {
  model: string;
  against: string;
  /** Seeds that both have. */
  pairs: number[];
  macro: { bootstrap: CorrectedTest | null; seeds: CorrectedTest | null };
  cells: CellTests[];
}

export interface DatasetResult {
  data: string;
  hash: string;
  scenarios: string[];
  tasks: string[];
  testRows: number;
  /** Which cells count in means over cells; results of older versions are means over all. */
  means?: MeansRule & {
    fallback: boolean;
    /** Cells that do not count. */
    leftOut: { scenario: string; task: string }[];
  };
  /** What the bootstrap drew: groups of rows, or rows where the data have no group key. */
  groups: { of: 'group' | 'row'; count: number };
  models: ModelResult[];
  /** Every other model against the baseline. */
  tests: ModelTests[];
  /** Every model against every reference: below 0 the joint model loses. */
  transfer: ModelTests[];
}

export interface ComparisonResult {
  version: 1;
  baseline: string;
  seeds: number[];
  correction: Correction;
  confidence: number;
  bootstrap: { resamples: number; seed: number };
  /** Rows of a list that NDCG and MAP are of; absent in results of older versions. */
  k?: number;
  datasets: DatasetResult[];
}
