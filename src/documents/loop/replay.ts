/** What a log says an artifact would bring, and whether it can say so. */
import { z } from 'zod';
import { count, seconds } from '../parts.ts';

const interval = z.strictObject({
  estimate: z.number(),
  se: z.number(),
  /** 95 %. */
  low: z.number(),
  high: z.number(),
});

/** Why something is not estimated. */
const refusal = z.strictObject({ code: z.string(), reason: z.string() });

export const replaySchema = z.strictObject({
  schema: z.literal('replay/1'),
  /** The folder of the log. */
  log: z.string(),
  /** `name@id` of the artifact that is judged. */
  policy: z.string(),
  /** Of its order; 0: by falling score. */
  temperature: z.number().min(0),
  /** What an interaction of each type is worth. */
  reward: z.record(z.string(), z.number()),
  /** Milliseconds after a request in which reactions count; null: all. */
  window: z.number().nullable(),
  requests: z.strictObject({
    impressions: count,
    /** In a random order with known chances: these are replayed. */
    explored: count,
    /** By falling score. */
    deterministic: count,
    interleaved: count,
    /** Younger than the window. */
    open: count,
    /** Explored requests of which not all candidates were logged. */
    incomplete: count,
    /** Explored requests of scenarios that the artifact does not know. */
    otherScenarios: count,
    withoutUnit: count,
  }),
  duplicates: count,
  orphans: count,
  damaged: count,
  /** By `name@id`: requests that it answered. */
  models: z.record(z.string(), count),
  /** Fields that the artifact reads: share of the items with a value in the log. */
  fields: z.array(z.strictObject({ field: z.string(), given: z.number() })),
  /** Requests that the artifact itself had answered, and the largest difference of its probabilities from the logged ones. */
  recomputed: z.strictObject({ requests: count, largest: z.number() }),
  /** By kind of weights. */
  diagnostics: z.array(
    z.strictObject({
      weights: z.enum(['item', 'position', 'list']),
      /** Requests, or their positions. */
      rows: count,
      units: count,
      meanWeight: z.number(),
      seWeight: z.number(),
      effectiveRows: z.number(),
      largestWeight: z.number(),
      /** The smallest logged chance of what was shown. */
      smallestPropensity: z.number(),
      support: z.number(),
      deterministic: z.number(),
      refusals: z.array(refusal),
    }),
  ),
  /** Why nothing is estimated; empty where something is. */
  refusals: z.array(refusal),
  /** Mean reward of a request, the estimate with the weakest assumption first. */
  estimates: z.array(interval.extend({ name: z.string(), assumption: z.string(), difference: interval })),
  /** Mean reward of the requests that were served by falling score (of the explored ones, where there are none). */
  served: interval.nullable(),
  /** By the first estimate's difference from what was served. */
  verdict: z.enum(['better', 'worse', 'undecided']).nullable(),
  seconds,
});

export type ReplayDocument = z.output<typeof replaySchema>;
