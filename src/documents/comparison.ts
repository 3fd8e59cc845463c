/**
 * A comparison: result.json, a function of configuration, data and seeds alone (no times, no paths); times.json; and cell.json,
 * what each training contributes.
 */
import { z } from 'zod';
import { gridSchema, meansRule } from './grid.ts';
import { count, epochsByPhase, metric, seconds } from './parts.ts';
import { upgradeNamed } from './upgrade.ts';
import { yardstickKey } from './yardsticks.ts';

export const METRICS = ['auc', 'groupedAuc', 'ndcg', 'map', 'logloss', 'calibrationError'] as const;
export type MetricName = (typeof METRICS)[number];

/** Over the seeds in which a metric is defined; null where it never is. */
const mean = z
  .strictObject({
    n: count,
    mean: z.number(),
    /** Standard deviation, and the interval of the mean; null for one value. */
    sd: z.number().nullable(),
    low: z.number().nullable(),
    high: z.number().nullable(),
  })
  .nullable();

const metricMeans = z.strictObject({
  auc: mean,
  groupedAuc: mean,
  /** Results of version 0.1 have no NDCG and MAP. */
  ndcg: mean.optional(),
  map: mean.optional(),
  logloss: mean,
  calibrationError: mean,
});

export type MetricMeans = z.output<typeof metricMeans>;

const cellMeans = metricMeans.extend({
  scenario: z.string(),
  task: z.string(),
  /** Test rows with a label, and how many of them are 1. */
  rows: count,
  positives: count,
});

export type CellMeans = z.output<typeof cellMeans>;

/** What a model costs, as counts that do not depend on a machine. */
const cost = z.strictObject({
  denseParameters: count,
  embeddingParameters: count,
  multiplyAddsPerRow: count,
});

const modelResult = cost.extend({
  data: z.string(),
  /** Its label. */
  model: z.string(),
  key: z.string(),
  /** For references. */
  by: z.enum(['task', 'scenario']).optional(),
  /** Seeds that were trained to their end. */
  seeds: z.array(z.int()),
  /** Trainings that failed. */
  failed: z.array(z.strictObject({ cell: z.string(), code: z.string(), message: z.string() })),
  /** Of the mean over the cells that count. */
  macro: metricMeans,
  cells: z.array(cellMeans),
  /** Per training, seed by seed. */
  epochs: z.array(epochsByPhase),
  /**
   * Mean AUC on validation rows at the end of each epoch of the last phase, over the seeds that came so far; absent for references, and
   * in results of older versions.
   */
  curve: z
    .array(z.strictObject({ epoch: count, n: count, mean: z.number(), lowest: z.number(), highest: z.number() }))
    .optional(),
  /** The epoch whose weights were kept, seed by seed; with `curve`. */
  bestEpochs: z.array(count).optional(),
});

export type ModelResult = z.output<typeof modelResult>;

/** A difference and its p, and p corrected for all comparisons of its kind in its table; null where there is no test. */
const test = z.strictObject({
  difference: z.number(),
  standardError: z.number(),
  /** Two-sided. */
  p: z.number(),
  low: z.number(),
  high: z.number(),
  corrected: z.number(),
});

export type CorrectedTest = z.output<typeof test>;

const cellTests = z.strictObject({
  scenario: z.string(),
  task: z.string(),
  /** DeLong's test of the mean AUC over seeds on the test rows. */
  delong: test.nullable(),
  /** The same by bootstrap of groups. */
  bootstrap: test.nullable(),
  /** Paired t test over seeds. */
  seeds: test.nullable(),
});

export type CellTests = z.output<typeof cellTests>;

/** AUC of a model minus that of another on the same rows, seeds paired. */
const modelTests = z.strictObject({
  model: z.string(),
  against: z.string(),
  /** Seeds that both have. */
  pairs: z.array(z.int()),
  macro: z.strictObject({ bootstrap: test.nullable(), seeds: test.nullable() }),
  cells: z.array(cellTests),
});

export type ModelTests = z.output<typeof modelTests>;

const datasetResult = z.strictObject({
  data: z.string(),
  hash: z.string(),
  scenarios: z.array(z.string()),
  tasks: z.array(z.string()),
  testRows: count,
  /** Which cells count in means over cells; results of version 0.1 are means over all. */
  means: meansRule
    .extend({
      /** Cells that do not count. */
      leftOut: z.array(z.strictObject({ scenario: z.string(), task: z.string() })),
    })
    .optional(),
  /** What the bootstrap drew: groups of rows, or rows where the data have no group key. */
  groups: z.strictObject({ of: z.enum(['group', 'row']), count }),
  models: z.array(modelResult),
  /** Every other model against the baseline. */
  tests: z.array(modelTests),
  /** Every model against every reference: below 0 the joint model loses. */
  transfer: z.array(modelTests),
  /** Simple predictors, and every joint model against the best of them; absent where they are switched off, and in results of version 0.1. */
  yardsticks: z
    .strictObject({
      measured: z.array(z.strictObject({ key: yardstickKey, grid: gridSchema })),
      /** Null where none has a mean AUC. */
      best: yardstickKey.nullable(),
      tests: z.array(modelTests),
    })
    .optional(),
});

export type DatasetResult = z.output<typeof datasetResult>;

const comparison = z.strictObject({
  schema: z.literal('comparison/1'),
  version: z.literal(1),
  baseline: z.string(),
  seeds: z.array(z.int()),
  correction: z.enum(['holm', 'benjamini-hochberg', 'none']),
  confidence: z.number(),
  bootstrap: z.strictObject({ resamples: count, seed: z.int() }),
  /** NDCG and MAP are of the first k rows of a list; absent in results of version 0.1. */
  k: z.int().min(1).optional(),
  datasets: z.array(datasetResult),
});

/** result.json, of this version or an older one. */
export const comparisonSchema = z.preprocess(upgradeNamed('comparison/1'), comparison);

export type ComparisonResult = z.output<typeof comparison>;

/** What differs from machine to machine and from time to time. */
const cellTimes = z.strictObject({
  /** Wall and processor time up to the end of the best epoch: search phase, validation and all. */
  secondsToBest: seconds,
  processorSecondsToBest: seconds,
  /** Wall time of the whole training. */
  seconds,
  peakBytes: count,
});

export type CellTimes = z.output<typeof cellTimes>;

const times = z.strictObject({
  schema: z.literal('comparison-times/1'),
  /** Means over the seeds of a model; references add up the trainings of their parts, and take the largest memory. */
  models: z.array(cellTimes.extend({ data: z.string(), model: z.string() })),
  cells: z.array(cellTimes.extend({ cell: z.string(), data: z.string() })),
});

/** times.json, of this version or an older one. */
export const timesSchema = z.preprocess(upgradeNamed('comparison-times/1'), times);

export type Times = z.output<typeof times>;

/** cell.json: a finished training of a comparison. */
export const cellResultSchema = z.strictObject({
  version: z.literal(1),
  /** Metrics on the test rows. */
  grid: gridSchema,
  epochs: epochsByPhase,
  /** The epoch of the last phase whose weights were kept. */
  bestEpoch: count,
  /** Mean AUC on validation rows, epoch by epoch of the last phase. Older ones lack it. */
  curve: z.array(metric).optional(),
  cost,
  /** SHA-256 of the logits file. */
  logits: z.string(),
  times: cellTimes,
});

export type CellResult = z.output<typeof cellResultSchema>;
