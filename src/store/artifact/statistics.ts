/** statistics.json of an artifact: how the data were when the model was made, small enough to compare live traffic with. */
import { z } from 'zod';

const share = z.number().min(0).max(1);

const fieldStatistics = z.strictObject({
  name: z.string(),
  /** Values of the training rows: one a row, of a multi-value field all of its lists. */
  values: z.int().min(0),
  /** The most frequent ids, as the field counts them (its offset in the table not added); never a reserved one. */
  ids: z.array(z.int().min(2)),
  /** Shares of the values that they have. */
  shares: z.array(share),
  /** Share of values that have no id of their own, missing ones included. */
  outOfVocabulary: share,
  /** Share of all other ids together: the shares, this one and `outOfVocabulary` sum to 1. */
  rest: share,
});

const cellStatistics = z.strictObject({
  scenario: z.string(),
  task: z.string(),
  /** Validation rows with a label, and how many of them are 1. */
  rows: z.int().min(0),
  positives: z.int().min(0),
  /**
   * Calibrated probabilities of the scenario's validation rows, labelled or not: rising edges, and the share of rows below the first edge,
   * between each two, and from the last one on (one more than edges). Edges are deciles, equal ones once.
   */
  edges: z.array(share),
  shares: z.array(share),
  /** Mean of these probabilities; null without rows. */
  mean: share.nullable(),
});

export const statisticsSchema = z.strictObject({
  version: z.literal(1),
  /** Training rows, all together and by scenario. */
  rows: z.int().min(0),
  scenarios: z.array(z.strictObject({ name: z.string(), rows: z.int().min(0) })),
  fields: z.array(fieldStatistics),
  /** Scenario by scenario, task by task. */
  cells: z.array(cellStatistics),
});

export type ArtifactStatistics = z.output<typeof statisticsSchema>;
export type FieldStatistics = z.output<typeof fieldStatistics>;
export type CellStatistics = z.output<typeof cellStatistics>;
