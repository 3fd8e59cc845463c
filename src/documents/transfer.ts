/** What sharing is worth in each cell, and where a ranker lets through what the labels do not carry. */
import { z } from 'zod';
import { FLOW_NAMES, verdict } from './flows.ts';
import { count } from './parts.ts';

/** An estimate with its 95 % interval. */
const estimate = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

const compared = z.strictObject({
  /** By AUC, with a false discovery rate of 5 % over the cells. */
  verdict: z.enum(['gains', 'loses', 'undecided']),
  auc: z.number(),
  /** Of the ranker that it is compared with. */
  againstAuc: z.number(),
  aucChange: estimate,
  /** Both calibrated on the same rows; below 0 is better. */
  loglossChange: estimate,
  /** Two-sided, of the change of AUC. */
  p: z.number(),
});

const comparison = compared.nullable();

const measured = z
  .strictObject({
    /** Coefficients of the flow's score on validation rows, 1 = the flow's usual strength: in the labels, in the ranker's logits. */
    labels: estimate,
    model: estimate,
    /** What the ranker lets through beyond the labels, and the one-sided p of an excess this large. */
    excess: estimate,
    p: z.number(),
    /** If what the ranker lets through is subtracted from its logits. */
    aucChange: estimate,
    loglossChange: estimate,
  })
  .nullable();

export const transferSchema = z.strictObject({
  schema: z.literal('transfer/1'),
  /** Name and hash of the data set. */
  data: z.string(),
  dataHash: z.string(),
  /** Whose transfer: that of an additive ranker that shares everything (labels), or of a trained model. */
  source: z.enum(['labels', 'model']),
  run: z.string().optional(),
  /** The run that `run` is compared with. */
  against: z.string().optional(),
  /** Training rows drawn, and rows there are. */
  rows: count,
  of: count,
  /** Validation rows that everything is measured on. */
  validationRows: count,
  scenarios: z.array(z.string()),
  tasks: z.array(z.string()),
  orderedTasks: z.boolean(),
  cells: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      /** Validation rows with a label that counts, and how many of them are 1. */
      rows: count,
      positives: count,
      /** An additive ranker that shares by the strengths found, against one from the cell's own rows. */
      selective: comparison,
      /** One that shares everything alike, against the same. */
      everything: comparison,
      /** `run` against `against`. */
      models: comparison,
      /** Why nothing is measured. */
      reason: z.string().optional(),
    }),
  ),
  /** What the rows of one other scenario add: an additive ranker of both as if effects were the same, against one of the cell's own rows. */
  sources: z.array(compared.extend({ source: z.string(), target: z.string(), task: z.string() })).optional(),
  flows: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      flow: z.int().min(1).max(FLOW_NAMES.length),
      name: z.string(),
      /** Of the flow test on training rows. */
      verdict,
      strength: z.number(),
      measured,
      /** Is what the ranker lets through proven to be none of the labels'? Null: not tested (the verdict is not "useless"). */
      negative: z.boolean().nullable(),
    }),
  ),
  /** What the data cannot say, and why. */
  notes: z.array(z.string()),
});

export type TransferDocument = z.output<typeof transferSchema>;
export type TransferCell = TransferDocument['cells'][number];
export type TransferFlow = TransferDocument['flows'][number];
export type TransferSource = NonNullable<TransferDocument['sources']>[number];
export type TransferComparison = NonNullable<TransferCell['selective']>;
