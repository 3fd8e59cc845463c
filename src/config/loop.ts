/** The loop from what a service answered to its next model: where the log and the rounds are, what must hold before a model is loaded. */
import { z } from 'zod';
import { secret } from './events.ts';

const share = z.number().min(0).max(1);

export const loopSchema = z.strictObject({
  /** The event log of the service. */
  log: z.string().min(1),
  /** A configuration file of `join`. */
  join: z.string().min(1),
  /** Folder of the loop: joined rows, and one folder for each round. Made if it is not there. */
  folder: z.string().min(1),
  /** The run whose artifact serves when the loop begins. */
  run: z.string().min(1),
  train: z
    .strictObject({
      /** Train on the rows of this many days before the day that judges. Default: all. */
      days: z.int().min(1).optional(),
      /** Start from the weights of the model that serves, or from random ones. */
      start: z.enum(['warm', 'cold']).default('warm'),
      /** Share of the requests before the day that judges which are validation rows: they stop training and fit calibration. */
      validation: share.gt(0).lt(1).default(0.1),
      /** Options over those of the run that serves, as `train.maxEpochs=3`. */
      set: z.array(z.string().regex(/^[^=]+=/, 'expected path=value')).default([]),
    })
    .prefault({}),
  select: z
    .strictObject({
      /** As the options of `tributary select`. */
      epsilon: z.number().min(0).lt(0.5).default(0),
      budget: z.number().min(0).lt(1).default(0.0005),
    })
    .prefault({}),
  gates: z
    .strictObject({
      /** Mean AUC that the new model may lose: the interval of the difference must lie above -mean. */
      mean: share.default(0.005),
      /** AUC that a cell may lose: no cell's interval may lie below -cell. */
      cell: share.default(0.02),
      /** Cells with fewer labels of 1, or of 0, are not judged. */
      minPositives: z.int().min(1).default(20),
      /** Draws of the bootstrap over units. */
      resamples: z.int().min(100).max(100_000).default(1000),
      /** Largest mean calibration error. */
      calibrationError: share.default(0.05),
      /** Largest population stability index of a field: the day that judges against the rows of training. */
      drift: z.number().positive().default(1),
      /** Fields whose values change every day, such as dates: their drift is not judged. */
      driftExcept: z.array(z.string()).default([]),
      /** Answers of that day which the new artifact must be able to repeat. */
      requests: z.int().min(0).default(100),
    })
    .prefault({}),
  /** The service that loads accepted artifacts. Default: none; the artifact stays in the folder of its round. */
  load: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }),
      /** Name of the model in the service. */
      model: z.string().min(1),
      /** In place of the model that serves, or next to it as `<model>-next`, which answers only requests that name it. */
      as: z.enum(['replacement', 'shadow']).default('replacement'),
      /** An admin key of the service. */
      key: secret.optional(),
    })
    .optional(),
  /** Rounds whose data, run and artifact are kept. Records are kept for ever, and so is what serves. */
  keep: z.int().min(1).default(3),
});

export type LoopConfig = z.output<typeof loopSchema>;
/** A configuration of the loop as a user writes it. */
export type LoopInput = z.input<typeof loopSchema>;
