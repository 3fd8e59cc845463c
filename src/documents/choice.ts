/** Which model a run took where none was named, and why. */
import { z } from 'zod';
import { gridSchema } from './grid.ts';
import { count, seconds } from './parts.ts';
import { yardsticksSchema } from './yardsticks.ts';

/** A difference of mean AUC over validation rows, with its 95 % interval. */
const difference = z.strictObject({
  difference: z.number(),
  standardError: z.number(),
  low: z.number(),
  high: z.number(),
});

const tried = z.strictObject({
  model: z.string(),
  denseParameters: count,
  /** Multiply-adds to score a row. */
  multiplyAdds: count,
  /** Steps at most, and the passes over the training rows that they are. */
  steps: count,
  passes: z.number(),
  /** Did early stopping end it before? */
  ended: z.boolean(),
  /** Processor time by the prices of the plan, and wall time that it took. */
  price: seconds,
  seconds,
  /** Of the validation rows, by the best weights; null where it failed or no cell has the monitored metric. */
  grid: gridSchema.nullable(),
  /** Its mean AUC minus that of the best candidate; null for that one, and where it is undefined. */
  behind: difference.nullable(),
  failure: z.string().optional(),
});

export type TriedCandidate = z.output<typeof tried>;

/** Why a candidate was left out. */
export const LEFT_OUT = ['budget', 'flows', 'cells'] as const;

const leftOut = z.strictObject({
  model: z.string(),
  /** `budget`: it could not see enough rows; `flows`: the flow test closes nothing; `cells`: it needs more scenarios or tasks. */
  because: z.enum(LEFT_OUT),
  /** What it would have cost, of `budget`. */
  price: seconds.optional(),
});

export type LeftOutCandidate = z.output<typeof leftOut>;

export const choiceSchema = z.strictObject({
  schema: z.literal('choice/1'),
  data: z.string(),
  dataHash: z.string(),
  seed: count,
  /** Processor time of a core as fast as the one that prices were measured on. */
  budget: seconds,
  rows: z.strictObject({ train: count, validation: count }),
  chosen: z.string(),
  /**
   * `best`: the highest mean AUC; `cheaper`: it costs less than the best, which is hardly ahead (src/study/choose/decide.ts); `only`: no
   * other could be measured.
   */
  because: z.enum(['best', 'cheaper', 'only']),
  /** In the order in which they were tried; empty where the budget was too small for two. */
  candidates: z.array(tried),
  leftOut: z.array(leftOut),
  /** Yardsticks on the same validation rows, and the chosen model against the best of them. */
  yardsticks: yardsticksSchema.optional(),
  /** Yardsticks that the budget did not pay for. */
  yardsticksLeftOut: z.array(z.string()),
  /** Wall time of the choice. */
  seconds,
});

export type ChoiceDocument = z.output<typeof choiceSchema>;
