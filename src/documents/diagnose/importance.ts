/** What each field is worth to a run: what `importance` measured. */
import { z } from 'zod';
import { count, seconds } from '../parts.ts';

const effect = z.strictObject({ value: z.number(), standardError: z.number(), low: z.number(), high: z.number() });

/** A value with its 95 % interval. */
export type ImportanceEffect = z.output<typeof effect>;

/** Means over the cells that count, and the cells; null where a class has fewer than two rows. */
const measured = z.strictObject({
  /** AUC lost when the values are shuffled: above 0 the model needs them. */
  aucLoss: effect.nullable(),
  /** Log loss gained. */
  loglossGain: effect.nullable(),
});

const feature = measured.extend({
  /** A field, a sequence, or the name of a group of them. */
  name: z.string(),
  kind: z.enum(['field', 'sequence', 'group']),
  /** Of a group. */
  members: z.array(z.string()).optional(),
  /** Have the rows of some scenario different values? If not, nothing can be shuffled within scenarios. */
  varies: z.boolean(),
  /** Scenario by scenario, task by task. */
  cells: z.array(measured.extend({ scenario: z.string(), task: z.string() })),
});

export const importanceSchema = z.strictObject({
  schema: z.literal('importance/1'),
  run: z.string(),
  model: z.string(),
  /** Name of the data set. */
  data: z.string(),
  split: z.literal('validation'),
  /** Rows drawn, and rows there are. */
  rows: count,
  of: count,
  repeats: count,
  seed: count,
  /** What the intervals take as independent: groups of rows, or rows where the data have no group key. */
  groups: z.strictObject({ of: z.enum(['group', 'row']), count }),
  cells: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      /** Rows with a label, and how many of them are 1. */
      rows: count,
      positives: count,
      /** AUC of the rows as they are; null where a class has fewer than two rows. */
      auc: z.number().nullable(),
      /** Does the cell count in means? */
      counts: z.boolean(),
    }),
  ),
  /** By AUC lost, highest first. */
  features: z.array(feature),
  seconds,
});

export type ImportanceDocument = z.output<typeof importanceSchema>;
export type ImportanceFeature = z.output<typeof feature>;
