/** How long an experiment takes: from the variance and the traffic of a log. */
import { z } from 'zod';
import { count, seconds } from '../parts.ts';

const duration = z.strictObject({
  /** Of each arm. */
  unitsAnArm: count,
  /** Null where the log has too little traffic to say. */
  days: z.number().nullable(),
});

export const experimentPlanSchema = z.strictObject({
  schema: z.literal('experiment-plan/1'),
  log: z.string(),
  metric: z.string(),
  /** Difference to find, of the metric. */
  effect: z.number(),
  /** Of the metric. */
  relativeEffect: z.number().nullable(),
  power: z.number(),
  arms: count,
  coverage: z.number(),
  /** What the log has: units, days, and the metric with the variance of a unit. */
  units: count,
  days: z.number(),
  mean: z.number(),
  variance: z.number(),
  /** One look at the end, and looks at any time (an upper bound: they often stop earlier). */
  fixed: duration,
  alwaysValid: duration,
  /** The difference that one look finds with all units of the log. */
  detectable: z.number(),
  seconds,
});
export type ExperimentPlan = z.output<typeof experimentPlanSchema>;
