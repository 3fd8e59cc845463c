/** What `export` made: the artifact in numbers, and how each cell was calibrated. */
import { z } from 'zod';
import { bucketsSchema } from './grid.ts';
import { count, metric, seconds } from './parts.ts';

/** Logit -> probability of one scenario and task. Linear in between `x` for `isotonic`, level beyond its ends. */
export const calibrationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('none'),
    /** Why, where not for its log loss: too few rows of one class, or none was asked for. */
    reason: z.string().optional(),
  }),
  /** sigmoid(scale * logit + shift) */
  z.strictObject({ kind: z.literal('platt'), scale: z.number(), shift: z.number() }),
  /** Rising logits and the probabilities there. */
  z.strictObject({
    kind: z.literal('isotonic'),
    x: z.array(z.number()).min(1),
    y: z.array(z.number().min(0).max(1)).min(1),
  }),
]);

export type Calibration = z.output<typeof calibrationSchema>;

const fittedCell = z.strictObject({
  calibration: calibrationSchema,
  /** Validation rows with a label, and how many of them are 1. */
  rows: count,
  positives: count,
  /** Mean log loss of rows that the fit did not see; null where it was not tried. */
  logloss: z.strictObject({ none: metric, platt: metric, isotonic: metric }),
});

/** How one scenario and task was calibrated. */
export type FittedCell = z.output<typeof fittedCell>;

/** Means and shares count rows by weight, as the fit does; `rows` and `positives` count them as they are. */
const fitOfProbabilities = z.strictObject({
  /** Expected calibration error over the buckets; null without rows. */
  error: metric,
  buckets: bucketsSchema,
});

/** How well the probabilities of the labelled validation rows fit, before and after calibration: scenario by scenario, task by task. */
export const calibrationReliabilitySchema = z.array(
  z.strictObject({
    scenario: z.string(),
    task: z.string(),
    before: fitOfProbabilities,
    /** Absent where calibration keeps probabilities as they are. */
    after: fitOfProbabilities
      .extend({
        /** Each row was calibrated by a fit to the other folds; `seen`: by the fit to all rows, since that of a fold failed. */
        rows: z.enum(['held out', 'seen']),
      })
      .optional(),
  }),
);

export type CalibrationReliability = z.output<typeof calibrationReliabilitySchema>;

export const exportSchema = z.strictObject({
  schema: z.literal('export/1'),
  run: z.string(),
  out: z.string(),
  /** What requests call the model, and the id of the artifact. */
  name: z.string(),
  id: z.string(),
  /** Of all files but the manifest, and how many files there are with it. */
  bytes: count,
  files: count,
  /** As in the manifest. */
  graphs: z.array(z.looseObject({ file: z.string() })),
  score: z.strictObject({ default: z.string(), scenarios: z.record(z.string(), z.string()) }),
  calibration: z.array(fittedCell.extend({ scenario: z.string(), task: z.string() })),
  seconds,
});

export type ExportDocument = z.output<typeof exportSchema>;
