/** The lines of a run's logs: metrics.jsonl, whose numbers follow from configuration, data and seed alone, and timings.jsonl. */
import { z } from 'zod';
import { gridSchema } from './grid.ts';
import { count, epochsByPhase, metric, partSeconds, phase, seconds } from './parts.ts';
import { upgradeMetricsLine } from './upgrade.ts';

const version = z.literal(1);

/** By task; null for a task without a label so far. */
const byTask = z.record(z.string(), metric);

/** One of the steps that are logged (`train.metricsEverySteps`). */
const stepLine = z.strictObject({
  kind: z.literal('step'),
  version,
  phase,
  /** From the beginning of the phase. */
  step: count,
  learningRate: z.number(),
  losses: byTask,
  taskWeights: byTask,
  penalty: z.number(),
});

/** The end of an epoch. */
const epochLine = z.strictObject({
  kind: z.literal('epoch'),
  version,
  phase,
  /** 1-based. */
  epoch: count,
  /** Means over the epoch. */
  losses: byTask,
  /** At its end. */
  taskWeights: byTask,
  /** The value that early stopping watches, at its end; null where it is undefined. */
  monitor: metric,
  /** Was a validation of this epoch the best of its phase so far? */
  best: z.boolean(),
  validation: gridSchema,
  /** Of the soft gates, while they are searched. Older logs lack it. */
  temperature: z.number().optional(),
  /** Of models with gates that learn: what they let through, means over validation rows. Older logs lack it. */
  gates: z
    .strictObject({
      /** Of flows or experts. */
      names: z.array(z.string()),
      /** [cell][name] from 0 to 1, cells as in `validation`; null for a scenario without rows. */
      open: z.array(z.array(metric)),
    })
    .optional(),
});

/** A validation within an epoch. */
const validationLine = z.strictObject({
  kind: z.literal('validation'),
  version,
  phase,
  /** From the beginning of the phase. */
  step: count,
  monitor: metric,
  best: z.boolean(),
  validation: gridSchema,
});

/** Of a warm start: the weights as the first phase takes them up. */
const startWeightsLine = z.strictObject({
  kind: z.literal('startWeights'),
  version,
  monitor: metric,
  validation: gridSchema,
});

/** How often each flow is kept, once gates are frozen. */
const flowsLine = z.strictObject({
  kind: z.literal('flows'),
  version,
  split: z.literal('train'),
  /** [scenario][task][flow] share of the rows; null for a scenario without rows. */
  keep: z.array(z.array(z.array(metric))),
  /** Rows per scenario. */
  rows: z.array(count),
});

/** The end of the run. */
const resultLine = z.strictObject({
  kind: z.literal('result'),
  version,
  split: z.literal('test'),
  epochs: epochsByPhase,
  test: gridSchema,
});

const metricsLineToday = z.discriminatedUnion('kind', [
  stepLine,
  epochLine,
  validationLine,
  startWeightsLine,
  flowsLine,
  resultLine,
]);

export type MetricsLine = z.output<typeof metricsLineToday>;

/** A line of metrics.jsonl, of this version or an older one. */
export const metricsLine = z.preprocess(upgradeMetricsLine, metricsLineToday);

/** A line of timings.jsonl: one per epoch, and the seconds of the whole run at its end. */
export const timingsLine = z.union([
  z.strictObject({
    phase,
    epoch: count,
    /** As far as the process that ended the epoch trained it. */
    seconds,
    rowsPerSecond: z.number().nullable(),
    /** Of the run so far: wall and processor time, and the most memory that a process held. Absent in version 0.1. */
    totalSeconds: seconds.optional(),
    processorSeconds: seconds.optional(),
    /** Of the processor time. Absent in version 0.2. */
    parts: partSeconds.optional(),
    peakBytes: count.optional(),
  }),
  z.strictObject({ seconds, parts: partSeconds.optional() }),
]);

export type TimingsLine = z.output<typeof timingsLine>;
