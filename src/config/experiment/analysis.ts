/**
 * What decides an experiment: its metrics, when it may be looked at, and the steps of its ramp. Parsing what was parsed gives the same
 * again, so texts stay texts here; `toleranceOf` and `durationOf` (base/times.ts) read them.
 */
import { z } from 'zod';
import { durationOf } from '../../base/times.ts';
import { isLowerBetter, parseMetric } from './metric.ts';

const duration = z.string().refine((text) => durationOf(text) !== undefined, 'expected a time as 30s, 30m, 12h or 7d');

const EXPECTED =
  'expected a metric: TYPE, TYPE per request, TYPE per unit, units with TYPE, value of TYPE per unit, latency_mean, latency_p99, error_rate';

const metricName = z.string().refine((text) => parseMetric(text) !== undefined, EXPECTED);

const successName = metricName.refine((text) => {
  const metric = parseMetric(text);
  return metric === undefined || !isLowerBetter(metric);
}, 'latency and errors are guardrails, not reasons to ship');

const margin = z.union([
  z.number().min(0),
  z.string().regex(/^\d+(?:\.\d+)? ?%$/, 'expected a number, or a share of the control as 10%'),
]);

/** A difference, or a share of the control's value. */
export const toleranceOf = (text: MarginConfig): { absolute: number } | { relative: number } =>
  typeof text === 'number' ? { absolute: text } : { relative: Number.parseFloat(text) / 100 };

export const metricsSchema = z.strictObject({
  /** One that is better than the control is a reason to ship. `margin`: differences up to this matter to nobody. */
  success: z
    .array(z.union([successName, z.strictObject({ metric: successName, margin: margin.optional() })]))
    .default([]),
  /** May lose up to the margin, and must not lose more. */
  guardrails: z.array(z.strictObject({ metric: metricName, margin })).default([]),
  /** By type of interaction: how long after an answer it counts; younger answers are left out. Default: all that came. */
  windows: z.record(z.string(), duration).default({}),
});

/** `always-valid`: look at any time. Else a fixed maximum of units in all arms, and looks at equal steps up to it. */
export const sequentialSchema = z.union([
  z.literal('always-valid'),
  z.strictObject({ groupSequential: z.strictObject({ looks: z.int().min(1).max(20), maximum: z.int().min(200) }) }),
]);

const coverages = z
  .array(z.number().gt(0).max(1))
  .min(1)
  .refine((steps) => steps.every((step, i) => step > (steps[i - 1] ?? 0)), 'expected rising shares');

/** Coverage step by step: its steps, or steps with their gates. */
export const rampSchema = z.union([
  coverages,
  z.strictObject({
    steps: coverages,
    /** Each step lasts at least this long. */
    hold: duration.default('24h'),
    /** And until every arm has had this many units, over all steps. */
    units: z.int().min(100).default(1000),
  }),
]);

export type MarginConfig = z.output<typeof margin>;
export type MetricsConfig = z.output<typeof metricsSchema>;
export type Sequential = z.output<typeof sequentialSchema>;
export type RampConfig = z.output<typeof rampSchema>;

/** Shares of units, rising. */
export const stepsOf = (ramp: RampConfig | undefined): readonly number[] =>
  ramp === undefined ? [] : Array.isArray(ramp) ? ramp : ramp.steps;
