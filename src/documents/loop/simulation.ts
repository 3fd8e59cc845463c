/** What users of a synthetic world got from a running service, day by day. */
import { z } from 'zod';
import { count, metric, seconds } from '../parts.ts';

/** Means over requests of the reward that the world expects, known without drawing a label. */
const worth = z.strictObject({
  requests: count,
  /** Of what the service showed. */
  shown: metric,
  /** Of the best order of the best candidates. */
  best: metric,
  /** Of a random order of random candidates. */
  random: metric,
  /** (shown - random) / (best - random). */
  possible: metric,
});

export type WorthRecord = z.output<typeof worth>;

const armWorth = worth.extend({ experiment: z.string(), arm: z.string() });

export const simulatedDay = z.strictObject({
  /** From 1. */
  day: z.int().min(1),
  /** Such as 2024-02-03. */
  date: z.string(),
  /** Have the tastes of the users changed since the first day, and how often? */
  drifts: count,
  /** By `name@id`: requests that it answered. */
  models: z.record(z.string(), count),
  /** Events that were sent on this day, of its own requests and of those before. */
  interactions: count,
  corrections: count,
  /** Events of requests so far whose time has not come yet. */
  held: count,
  all: worth,
  scenarios: z.array(worth.extend({ scenario: z.string() })),
  /** Of each arm, where requests took part in experiments. */
  arms: z.array(armWorth).optional(),
  /** Requests that users of a faulty arm did not come to make. */
  lost: count.optional(),
});

export type SimulatedDay = z.output<typeof simulatedDay>;

export const simulationSchema = z.strictObject({
  schema: z.literal('simulation/1'),
  /** Where the world was read from, and the address of the service. */
  world: z.string(),
  url: z.string(),
  seed: count,
  requestsADay: count,
  candidates: count,
  /** Items that users saw of each request. */
  shown: count,
  positionBias: z.number(),
  /** By task. */
  reward: z.record(z.string(), z.number()),
  /** Were events sent? */
  events: z.boolean(),
  days: z.array(simulatedDay),
  /** Over all days. */
  all: worth,
  arms: z.array(armWorth).optional(),
  seconds,
});

export type SimulationDocument = z.output<typeof simulationSchema>;
