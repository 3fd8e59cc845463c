/** statistics.json of an artifact: compact statistics of the training data, to compare live traffic with. */
import { z } from 'zod';

const share = z.number().min(0).max(1);

const fieldStatistics = z.strictObject({
  name: z.string(),
  /** Number of values in the training rows: one per row, or all values of a multi-value field. */
  values: z.int().min(0),
  /** The most frequent ids, relative to the field (without its offset in the table); no reserved ids. */
  ids: z.array(z.int().min(2)),
  /** Their shares of the values. */
  shares: z.array(share),
  /** Share of values without an id, including missing values. */
  outOfVocabulary: share,
  /** Share of all other ids: the shares, this one and `outOfVocabulary` sum to 1. */
  rest: share,
});

const cellStatistics = z.strictObject({
  scenario: z.string(),
  task: z.string(),
  /** Validation rows with a label, and the number of positives. */
  rows: z.int().min(0),
  positives: z.int().min(0),
  /**
   * Calibrated probabilities of the scenario's validation rows, labelled or not: rising edges, and the share of rows below the first edge,
   * between neighbours, and from the last edge on (one more than edges). Edges are distinct deciles.
   */
  edges: z.array(share),
  shares: z.array(share),
  /** Mean of these probabilities; null without rows. */
  mean: share.nullable(),
});

export const statisticsSchema = z.strictObject({
  version: z.literal(1),
  /** Training rows, in total and by scenario. */
  rows: z.int().min(0),
  scenarios: z.array(z.strictObject({ name: z.string(), rows: z.int().min(0) })),
  fields: z.array(fieldStatistics),
  /** Scenario by scenario, task by task. */
  cells: z.array(cellStatistics),
});

export type ArtifactStatistics = z.output<typeof statisticsSchema>;
export type FieldStatistics = z.output<typeof fieldStatistics>;
export type CellStatistics = z.output<typeof cellStatistics>;
