/** A run held against a baseline: what `check` reads, writes and finds. */
import { z } from 'zod';
import { gridSchema } from '../grid.ts';
import { count } from '../parts.ts';

/** What `check --write` keeps of a run for later checks. */
export const baselineSchema = z.strictObject({
  schema: z.literal('baseline/1'),
  run: z.string(),
  model: z.string(),
  data: z.strictObject({ name: z.string(), hash: z.string() }),
  split: z.literal('test'),
  grid: gridSchema,
});

export type BaselineDocument = z.output<typeof baselineSchema>;

/** Metrics that can be held against a baseline. Log loss may not rise, all others may not fall. */
export const CHECKED_METRICS = ['auc', 'groupedAuc', 'ndcg', 'map', 'logloss'] as const;

export type CheckedMetric = (typeof CHECKED_METRICS)[number];

const compared = z.strictObject({
  /** Of the baseline, and of the run; null where undefined. */
  before: z.number().nullable(),
  after: z.number().nullable(),
  /** After minus before. */
  change: z.number().nullable(),
  /** 95 % interval of the change on the same rows; null where the predictions of both are not at hand. */
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  margin: z.number(),
  /** Worse by more than the margin, or undefined where the baseline is not. */
  fell: z.boolean(),
});

export const checkSchema = z.strictObject({
  schema: z.literal('check/1'),
  run: z.string(),
  against: z.string(),
  metric: z.enum(CHECKED_METRICS),
  passed: z.boolean(),
  /** Over the cells that count for both. */
  mean: compared.extend({ cells: count }),
  cells: z.array(
    compared.extend({
      scenario: z.string(),
      task: z.string(),
      /** Rows with a label, of the run. */
      rows: count,
      positives: count,
    }),
  ),
  /** What makes the comparison less than one of the same rows. */
  notes: z.array(z.string()),
});

export type CheckDocument = z.output<typeof checkSchema>;
export type ComparedMetric = z.output<typeof compared>;
