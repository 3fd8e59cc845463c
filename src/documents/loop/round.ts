/** A round of the loop: what was trained on which days, how it was judged, and what was decided. */
import { z } from 'zod';
import { count, metric } from '../parts.ts';

/** A difference (new - serving) with its 95 % interval. */
const difference = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

/** What must hold before a model is loaded. */
const gate = z.strictObject({
  gate: z.enum(['labels', 'mean AUC', 'cells', 'calibration', 'drift', 'requests', 'service']),
  passed: z.boolean(),
  /** The reason, with figures. */
  sentence: z.string(),
});

/** The new model against the one that serves, on the day that neither was trained on. */
const judgement = z.strictObject({
  rows: count,
  /** Units that the bootstrap draws. */
  units: count,
  auc: z.strictObject({ serving: metric, next: metric, difference: difference.nullable() }),
  cells: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      positives: count,
      negatives: count,
      /** Null where the cell has too few labels to be judged. */
      auc: z.strictObject({ serving: z.number(), next: z.number(), difference }).nullable(),
    }),
  ),
  /** Mean calibration error of calibrated probabilities. */
  calibrationError: z.strictObject({ serving: metric, next: metric }),
  /** Population stability index by field. */
  drift: z.record(z.string(), z.number()),
  /** Answers of the log that were repeated. */
  requests: z.strictObject({ tried: count, failing: count }),
  gates: z.array(gate),
});

export const roundSchema = z.strictObject({
  schema: z.literal('loop-round/1'),
  round: z.int().min(1),
  /** The day that judges, UTC. Training rows end before it. */
  day: z.iso.date(),
  /** First day of training rows; null: all. */
  from: z.iso.date().nullable(),
  /** The model that served when the round began. */
  serving: z.strictObject({ run: z.string(), artifact: z.string() }),
  joined: z.strictObject({ rows: count, impressions: count, positives: z.record(z.string(), count) }),
  prepared: z.strictObject({ hash: z.string(), train: count, validation: count, test: count }).optional(),
  trained: z.strictObject({ run: z.string() }).optional(),
  exported: z.strictObject({ artifact: z.string(), id: z.string() }).optional(),
  judged: judgement.optional(),
  /** Up to here the log was searched for answers to repeat. */
  cursor: z.string().optional(),
  decision: z
    .strictObject({
      /** `loaded`: it serves. `ready`: it may, no service is configured. `refused`: by the gates that did not hold. */
      kind: z.enum(['loaded', 'ready', 'refused', 'abandoned']),
      sentence: z.string(),
      at: z.iso.datetime(),
    })
    .optional(),
});

export type Round = z.output<typeof roundSchema>;
export type Judgement = z.output<typeof judgement>;
export type GateResult = z.output<typeof gate>;
