/** What `train` and `evaluate` end with, and what the report of a run is written from. */
import { z } from 'zod';
import type { Grid } from '../evaluate/index.ts';
import { choiceSchema } from './choice.ts';
import { flowDocumentSchema } from './flows.ts';
import { gridSchema, gridToJson, reliabilitySchema } from './grid.ts';
import { choiceCounts, count, epochsByPhase, metric, partSeconds, seconds } from './parts.ts';
import { yardsticksSchema } from './yardsticks.ts';

/** The end of a training. */
export const trainingSchema = gridSchema.extend({
  schema: z.literal('training/1'),
  /** Its folder. */
  run: z.string(),
  /** The rows that the grid is of. */
  split: z.literal('test'),
  seconds,
  epochs: epochsByPhase,
  /** Absent where they are switched off, and in documents of version 0.1. */
  yardsticks: yardsticksSchema.optional(),
});

export type TrainingDocument = z.output<typeof trainingSchema>;

export const trainingDocument = ({
  run,
  split,
  grid,
  seconds,
  epochs,
  yardsticks,
}: Pick<TrainingDocument, 'run' | 'split' | 'seconds' | 'epochs' | 'yardsticks'> & {
  grid: Grid;
}): TrainingDocument => ({
  schema: 'training/1',
  run,
  split,
  seconds,
  epochs,
  ...(yardsticks && { yardsticks }),
  ...gridToJson(grid),
});

/** What was measured. */
const measuredData = z.strictObject({
  /** The data set, or the files. */
  name: z.string(),
  rows: count,
  /** They are of the data set that the run was trained on. */
  isOwn: z.boolean(),
  /** Of files: rows without a scenario, or of which `where` is not true; and its conditions that could not be evaluated. */
  leftOut: count.optional(),
  ignored: z.array(z.string()).optional(),
});

export type MeasuredData = z.output<typeof measuredData>;

/** What `evaluate` measured. */
export const evaluationSchema = gridSchema.extend({
  schema: z.literal('evaluation/1'),
  run: z.string(),
  data: measuredData,
  /** One of them: rows of a split, or of files. */
  split: z.enum(['train', 'validation', 'test']).optional(),
  input: z.array(z.string()).optional(),
  /** Where the model chooses experts. */
  choices: choiceCounts.optional(),
  seconds,
});

export type EvaluationDocument = z.output<typeof evaluationSchema>;

/** What the size of the data means: what cannot be learned or told apart. */
const sizeRemark = z.strictObject({
  about: z.enum(['network', 'ids', 'cells', 'validation']),
  message: z.string(),
});

/** Processes that trained it together, and where they had the rows of tables. */
const ranksSchema = z.strictObject({
  count,
  tables: z.enum(['replicated', 'sharded']),
  /** Why: a sentence. */
  reason: z.string(),
});

export type RanksDocument = z.output<typeof ranksSchema>;

/** A finished run: its result.json, and what report.md shows. */
export const runSchema = z.strictObject({
  schema: z.literal('run/1'),
  model: z.strictObject({ key: z.string(), title: z.string() }),
  data: z.strictObject({
    name: z.string(),
    hash: z.string(),
    rows: z.strictObject({ train: count, validation: count, test: count }),
    /** Remarks of its configuration. */
    notes: z.array(z.string()),
  }),
  scenarios: z.array(z.string()),
  tasks: z.array(z.string()),
  /** What the size of the data means for this model. Older documents lack it. */
  size: z.array(sizeRemark).optional(),
  parameters: z.strictObject({ dense: count, tableRows: count, dimension: count }),
  epochs: epochsByPhase,
  seconds,
  /** What the processor time was spent on. Older documents lack it. */
  parts: partSeconds.optional(),
  /** Of a training over ranks: those that ended it. */
  ranks: ranksSchema.optional(),
  test: gridSchema,
  /** Of the test rows, before calibration. */
  reliability: reliabilitySchema.optional(),
  yardsticks: yardsticksSchema.optional(),
  /** Of models with flow gates. */
  flows: z
    .strictObject({
      names: z.array(z.string()),
      /** [scenario][task][flow] share of the training rows; null for a scenario without rows. */
      keep: z.array(z.array(z.array(metric))),
      rows: z.array(count),
    })
    .optional(),
  /** Of the test rows. */
  choices: choiceCounts,
  /** What the model's structure comes from, where a test of flows decided it. */
  verdict: flowDocumentSchema.optional(),
  /** Why it has this model, where none was named. */
  choice: choiceSchema.optional(),
  config: z.record(z.string(), z.unknown()),
});

export type RunDocument = z.output<typeof runSchema>;
