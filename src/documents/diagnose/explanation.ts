/** Why a model answers one request as it does: what `explain` found. */
import { z } from 'zod';
import { calibrationSchema } from '../artifact.ts';
import { verdict } from '../flows.ts';
import { count, metric, seconds } from '../parts.ts';

/** Of a field: its Shapley value, with the 95 % interval over the drawn orders; the same number three times where it is exact. */
const share = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

const answered = z.strictObject({
  /** As the graph gives it. */
  logit: z.number(),
  /** Before and after calibration. */
  uncalibrated: z.number(),
  probability: z.number(),
  /** What the score loses if this probability is 0; null where the score is undefined then. */
  part: metric,
});

const recordedItem = z.strictObject({
  /** Null: not shown. */
  position: count.nullable(),
  score: z.number(),
});

const item = z.strictObject({
  /** Its id, as text. */
  item: z.string(),
  /** By falling score, from 1; and its place in the request. */
  position: count,
  given: count,
  score: z.number(),
  /** By task, in the order of `tasks`. */
  tasks: z.array(answered),
  /** The score less its parts: 0 for weighted sums; null where a part is undefined. */
  rest: metric,
  recorded: recordedItem.optional(),
});

const field = z.strictObject({
  /** `sequences`: the user's last items of all types. */
  field: z.string(),
  /** As the request gives it, shortened; null where it is not given. */
  value: z.string().nullable(),
  /** Does the row have the id of an unknown value? Then nothing can change. */
  unknown: z.boolean(),
  /** By task, logits: what is lost if this field alone is unknown. */
  alone: z.array(z.number()),
  /** By task, logits. */
  shares: z.array(share),
  /** Of the score; null where the score of some row with unknown fields is undefined. */
  score: share.nullable(),
});

const explained = z.strictObject({
  /** Position by falling score, from 1. */
  position: count,
  item: z.string(),
  /** Those that move the score most first. */
  fields: z.array(field).min(1),
  /** By task: flows that reach it; absent where the model has no flow gates. */
  flows: z.record(z.string(), z.array(z.string())).optional(),
});

export const explanationSchema = z.strictObject({
  schema: z.literal('explanation/1'),
  /** `name@id` of the artifact. */
  model: z.string(),
  request: z.strictObject({
    source: z.enum(['request', 'log']),
    /** The file, or the log. */
    from: z.string(),
    /** Null: it has none. */
    id: z.string().nullable(),
  }),
  scenario: z.string(),
  tasks: z.array(z.string()),
  /** The expression of the scenario, and the calibration of each task there. */
  score: z.string(),
  calibration: z.array(calibrationSchema),
  candidates: count,
  /** By falling score. */
  items: z.array(item).min(1),
  /** Items whose fields are explained. */
  explained: z.array(explained).min(1),
  /** The row of the first item with all fields unknown: what shares are added to. Null where its score is undefined. */
  unknown: z.strictObject({ logits: z.array(z.number()), score: metric }),
  /** Why the first item is before the second: shares of the difference of their scores. Null for one candidate, and where a score is undefined. */
  lead: z
    .strictObject({
      difference: z.number(),
      /** The largest shares first. */
      fields: z.array(z.strictObject({ field: z.string(), share })),
    })
    .nullable(),
  /** How shares were found: of all subsets of fields, or of drawn orders. */
  shares: z.strictObject({ method: z.enum(['exact', 'sampled']), orders: count, seed: count }),
  /** The verdict on flows that the model is built from, of this scenario. Absent where there is none. */
  verdict: z.array(z.strictObject({ task: z.string(), flow: z.string(), strength: z.number(), verdict })).optional(),
  /** Of a request from a log. */
  recorded: z
    .strictObject({
      /** When it was answered, and by which model. */
      time: z.iso.datetime(),
      model: z.string(),
      /** The largest difference of a probability from the one in the log; null where another model had answered. */
      largest: metric,
    })
    .optional(),
  /** What the explanation lacks, and why. */
  notes: z.array(z.string()),
  seconds,
});

export type ExplanationDocument = z.output<typeof explanationSchema>;
export type ExplainedItem = ExplanationDocument['explained'][number];
export type ExplainedField = ExplainedItem['fields'][number];
export type ExplainedCandidate = ExplanationDocument['items'][number];
