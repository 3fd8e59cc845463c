/** What `join` made of a log. */
import { z } from 'zod';
import { count, seconds } from './parts.ts';

/** Rows of a task by what is known of its label. The five sum up to all shown items. */
export const joinTaskSchema = z.strictObject({
  task: z.string(),
  /** The window is not over: no label yet. */
  open: count,
  /** An interaction within the window. */
  positive: count,
  /** None, and the window is over. */
  negative: count,
  /** The first came after the window. */
  late: count,
  /** Those within the window were taken back. */
  revoked: count,
});
export type JoinTaskCounts = z.output<typeof joinTaskSchema>;

const reactions = z.strictObject({
  /** Different ones, up to the time of the join. */
  received: count,
  /** Of an item that an answer of these rows showed. */
  matched: count,
  unmatched: count,
  duplicates: count,
});

export const joinDocumentSchema = z.strictObject({
  schema: z.literal('join/1'),
  log: z.string(),
  out: z.string(),
  artifact: z.strictObject({ name: z.string(), id: z.string() }),
  /** Later events do not count. */
  asOf: z.iso.datetime(),
  /** Lines of the log that were read by this join. */
  read: z.strictObject({
    impressions: count,
    interactions: count,
    corrections: count,
    damaged: count,
    lost: count,
    bytes: count,
  }),
  days: z.strictObject({
    /** First and last date of the rows. */
    first: z.string(),
    last: z.string(),
    count,
    /** Those that this join wrote. */
    written: count,
  }),
  /** Of all days. */
  impressions: z.strictObject({
    /** Those that rows were made of. */
    joined: count,
    duplicates: count,
    /** Answers to a request id that was answered before on that day. */
    repeated: count,
    otherModels: count,
    otherScenarios: count,
  }),
  items: z.strictObject({
    /** Rows before sampling. */
    shown: count,
    /** Candidates that nobody saw: they are no rows. */
    unshown: count,
  }),
  interactions: reactions,
  corrections: reactions,
  /** Events after `asOf`: they do not count yet. */
  later: count,
  /** Events with a time after now and the allowed skew: their clocks are wrong. */
  future: count,
  tasks: z.array(joinTaskSchema),
  rows: z.strictObject({
    /** In the folder now. */
    count,
    written: count,
    /** Negatives that were not drawn. */
    sampledOut: count,
  }),
  seconds,
  /** Rows written a second, the reading of the log included; null where none were. */
  rowsPerSecond: z.number().min(0).nullable(),
});
export type JoinDocument = z.output<typeof joinDocumentSchema>;
