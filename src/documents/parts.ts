/** What several documents have in common. */
import { z } from 'zod';

export const count = z.int().min(0);
/** Null where a metric is undefined. */
export const metric = z.number().nullable();
/** A phase of a training. */
export const phase = z.enum(['train', 'search', 'retrain']);
/** Epochs that were trained, by phase. */
export const epochsByPhase = z.partialRecord(phase, count);
export const seconds = z.number().min(0);

/** What a run spends processor time on, in its order. */
const RUN_PARTS = [
  'flow test',
  'choice of the structure',
  'steps',
  'validation',
  'checkpoints',
  'test rows',
  'yardsticks',
] as const;
/** Processor seconds of each. */
export const partSeconds = z.partialRecord(z.enum(RUN_PARTS), seconds);
export type PartSeconds = z.output<typeof partSeconds>;
export type RunPart = (typeof RUN_PARTS)[number];

/** How often the rows of each scenario use each of the parts (experts) that a model chooses from. */
export const choiceCounts = z.strictObject({
  /** Rows of each scenario. */
  rows: z.array(count),
  /** By name of the choice, [scenario][part]: how many of these rows use the part. */
  chosen: z.record(z.string(), z.array(z.array(count))),
});
export type ChoiceCounts = z.output<typeof choiceCounts>;
