/** How a log of events becomes rows to train on: which answers count, when a label is known, and what the data set made of them is. */
import { z } from 'zod';
import { durationOf } from '../base/times.ts';
import { name, sql } from './dataset/names.ts';
import { split } from './dataset/split.ts';
import { datasetSchema } from './dataset.ts';

/** Milliseconds. */
const duration = z
  .string()
  .refine((text) => durationOf(text) !== undefined, 'expected a time as 30s, 30m, 12h or 7d')
  .transform((text) => durationOf(text) as number);

const task = z.strictObject({
  /** The type of the interactions that make a row positive. Default: the name of the task. */
  type: z.string().min(1).max(256).optional(),
  /** Time after the answer in which an interaction counts. The label is unknown until it is over. */
  window: duration.refine((ms) => ms > 0, 'expected a time above 0'),
  /** Only interactions with at least this value count, such as seconds watched. */
  atLeast: z.number().optional(),
});

export const joinSchema = z.strictObject({
  /** Folder of the artifact that served: rows have its fields, scenarios and tasks. */
  artifact: z.string().min(1),
  /** Name of the data set. Default: that of the artifact's. */
  name: z.string().min(1).optional(),
  /** Names of the models whose answers become rows (`name` of `name@id`). Default: the artifact's. */
  models: z.array(z.string().min(1)).min(1).optional(),
  /** By task of the artifact. */
  tasks: z.record(name, task),
  /** Interactions after the window: do they change nothing, or make the row positive? */
  late: z.enum(['ignore', 'revise']).default('ignore'),
  /** How far clocks may differ: an interaction may be this much earlier than its answer, an event this much later than now. */
  skew: duration.prefault('5m'),
  /** The experiment whose arm is in `log_arm`. Default: the only one of an answer. */
  experiment: z.string().min(1).optional(),
  /**
   * By type of the artifact's sequences: the interactions that fill them where a request brought none of the type. Default: such a sequence
   * is empty, as it was for the model that answered.
   */
  sequences: z
    .record(
      name,
      z.strictObject({
        /** Of the interactions. Default: the name of the sequences. */
        type: z.string().min(1).max(256).optional(),
        /** Only interactions with at least this value count. */
        atLeast: z.number().optional(),
      }),
    )
    .default({}),
  /** Fields of the artifact that rows and the data set do not have; `sequences`: they do without these. */
  leaveOut: z.array(z.string()).default([]),
  /** Keeps this share of the rows without any positive label, with the weight 1 / rate. */
  negatives: z.strictObject({ rate: z.number().gt(0).max(1), seed: z.int().min(0).default(2021) }).optional(),
  /** SQL over the columns of the rows: which of them the data set has, as in `log_arm = 'control'`. */
  where: sql.optional(),
  /** SQL over the columns of the rows: a factor of the weight. */
  weight: sql.optional(),
  /** Split of the data set. Default: by time, 8:1:1. */
  split: split.default({ kind: 'time', column: 'log_time', ratios: [0.8, 0.1, 0.1] }),
  /** As in dataset configurations. */
  vocabulary: datasetSchema.shape.vocabulary,
});

export type JoinConfig = z.output<typeof joinSchema>;
/** A configuration of `join` as a user writes it. */
export type JoinInput = z.input<typeof joinSchema>;
