/** A search for good options: its trials, and what came of them. */
import { z } from 'zod';
import { count, metric, seconds } from './parts.ts';

/** Values by dotted path of the run configuration; those that a point leaves out are not set. */
const parameters = z.record(z.string(), z.json());

/** A line of trials.jsonl, of the version that tune.json names. */
export const trialLine = z.strictObject({
  /** From 0. */
  trial: count,
  parameters,
  /** Epochs that were asked for; null: all. */
  asked: count.nullable(),
  /** Epochs that it has had, of all phases together. */
  epochs: count,
  /** It has ended; else it has had the epochs asked for and could go on. */
  ended: z.boolean(),
  /** Best validation value; null where it failed. */
  value: metric,
  /** Of training, in total. */
  seconds,
  /** Why it has no value. */
  failure: z.string().optional(),
});

export type TrialRecord = z.output<typeof trialLine>;

/** How strongly the value of trials goes with a parameter. */
const importance = z.strictObject({
  path: z.string(),
  /** 0 to 1: Spearman's rank correlation without its sign; for choices the correlation ratio of the ranks. */
  strength: z.number(),
  /** Where values are better: at a range's lower or higher end, or with a choice. */
  better: z.union([z.enum(['lower', 'higher']), z.strictObject({ choice: z.json() })]),
  /** Trials that it was computed from. */
  trials: count,
});

export type Importance = z.output<typeof importance>;

export const tuningSchema = z.strictObject({
  schema: z.literal('tuning/1'),
  /** Metric of the validation rows that trials are compared by. */
  monitor: z.enum(['auc', 'logloss']),
  /** The cells of the validation rows that its mean is over, in words. */
  over: z.string(),
  /** Paths that were searched, in the order of the space. */
  parameters: z.array(z.string()),
  best: trialLine,
  /** Best first. */
  trials: z.array(trialLine),
  /** Parameters that the values go with, strongest first. */
  hints: z.array(importance),
});

export type TuningDocument = z.output<typeof tuningSchema>;
