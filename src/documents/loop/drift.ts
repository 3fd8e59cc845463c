/** Is live data like training data? What `log drift` counts in a log, next to the statistics of an artifact. */
import { z } from 'zod';
import { count, seconds } from '../parts.ts';

const share = z.number().min(0).max(1);
const bothShares = z.strictObject({ training: share, live: share });

const driftField = z.strictObject({
  field: z.string(),
  /** Population stability index of live values against the training rows, over its 20 most frequent values, unknown ones and all others. */
  psi: z.number(),
  /** The index to expect by chance if nothing changed and rows were independent: it needs more to mean something. */
  byChance: z.number(),
  /** Live values. */
  values: count,
  /** Values out of vocabulary, missing ones included. */
  outOfVocabulary: bothShares,
});

const driftSequence = z.strictObject({
  type: z.string(),
  /** Answers whose request brought items. Of the others a join finds the items in the log. */
  given: count,
  /** Items as the model reads them: of a longer list the newest `length`. */
  items: count,
  length: count,
  /** Answers with as many. */
  full: count,
  /** Items out of vocabulary, missing ones included. */
  outOfVocabulary: count,
});

export const driftSchema = z.strictObject({
  schema: z.literal('drift/1'),
  log: z.string(),
  artifact: z.strictObject({ name: z.string(), id: z.string() }),
  /** Times of the first and the last answer; null without answers. */
  first: z.iso.datetime().nullable(),
  last: z.iso.datetime().nullable(),
  /** Answers that count, and items that they showed: a row each, as in training. */
  answers: count,
  rows: count,
  trainingRows: count,
  /** Answers that do not count: without values, in scenarios that the artifact does not know, with values that do not fit its fields. */
  left: z.strictObject({
    withoutValues: count,
    otherScenarios: count,
    misfits: count,
    duplicates: count,
    damaged: count,
  }),
  /** By index, highest first. */
  fields: z.array(driftField),
  scenarios: z.array(bothShares.extend({ scenario: z.string() })),
  /** Absent where the artifact reads none, and in documents of earlier versions. */
  sequences: z.array(driftSequence).optional(),
  /** Probabilities that this artifact answered, next to those of the validation rows. Empty where it answered nothing in the log. */
  cells: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      rows: count,
      /** Rising; shares are below the first, between neighbours, and from the last on. */
      edges: z.array(share),
      training: z.array(share),
      live: z.array(share),
      psi: z.number(),
      byChance: z.number(),
      /** Mean probability; null without rows. */
      mean: z.strictObject({ training: share.nullable(), live: share.nullable() }),
    }),
  ),
  notes: z.array(z.string()),
  seconds,
});

export type DriftDocument = z.output<typeof driftSchema>;
export type DriftSequence = z.output<typeof driftSequence>;
export type DriftField = z.output<typeof driftField>;
