/** What the log of a service says of an experiment: the verdict, and all figures it rests on. */
import { z } from 'zod';
import { count, metric, seconds } from '../parts.ts';

const interval = z.strictObject({ estimate: z.number(), low: metric, high: metric });

/** What decides, of several cells or arms. */
const decision = z.enum(['broken', 'roll back', 'ship', 'no difference', 'go on']);

const compared = z.strictObject({
  metric: z.string(),
  /** `success`: better is a reason to ship. `guardrail`: must not lose more than its margin. */
  role: z.enum(['success', 'guardrail']),
  lowerIsBetter: z.boolean(),
  /** Of the arms, as they are. Null where there is no answer that counts. */
  control: metric,
  treatment: metric,
  /** Treatment less control after the adjustment. Ends are null where nothing can be said yet. */
  difference: interval,
  /** As a share of the control's value; null where that is 0. */
  relative: interval.nullable(),
  /** 1 - level is the confidence of the intervals: two-sided of success metrics (after Holm), one-sided of guardrails. */
  level: z.number(),
  /** Valid at any time, or of a planned look; null of guardrails. */
  p: metric,
  /** As configured; null where there is none. */
  margin: z.union([z.number(), z.string()]).nullable(),
  /** Is it better, or within the margin, or neither? */
  finding: z.enum(['better', 'worse', 'within', 'beyond', 'open']),
  /** What the time before the experiment explained; null where the log has none. */
  cuped: z.strictObject({ theta: z.number(), varianceRatio: z.number() }).nullable(),
});

const cell = z.strictObject({
  scenario: z.string(),
  metric: z.string(),
  units: z.strictObject({ control: count, treatment: count }),
  control: metric,
  treatment: metric,
  difference: interval,
  /** Evidence against no difference: 20 and more is rare by chance, before the number of cells counts. */
  eValue: z.number(),
  /** By the procedure over all cells. */
  found: z.boolean(),
  /** Drawn to the mean of all cells by as much as chance explains. */
  shrunk: metric,
});

const heterogeneity = z.strictObject({
  metric: z.string(),
  Q: z.number(),
  p: z.number(),
  I2: z.number(),
  /** Of the true effects over scenarios: their standard deviation. */
  tau: z.number(),
});

const treatment = z.strictObject({
  arm: z.string(),
  decision,
  sentence: z.string(),
  metrics: z.array(compared),
  /** Exploratory: they decide nothing. */
  cells: z.array(cell),
  heterogeneity: z.array(heterogeneity),
});

const arm = z.strictObject({
  arm: z.string(),
  /** Share of the units that it is to get; null in modes without shares. */
  weight: metric,
  units: count,
  answers: count,
  items: count,
  /** By `name@id`: answers. */
  models: z.record(z.string(), count),
  /** Answers that the arm's model failed to give; the control gave them. */
  failed: count,
  /** Milliseconds; null where the log has none. */
  latency: z.strictObject({ mean: z.number(), p50: z.number(), p99: z.number() }).nullable(),
});

const check = z.strictObject({
  check: z.enum([
    'units at any time',
    'units now',
    'units in several arms',
    'before the experiment',
    'units that came back',
    'failed answers',
    'models',
  ]),
  state: z.enum(['sound', 'look', 'broken']),
  sentence: z.string(),
  p: metric,
});

/** A filter of candidates: people prefer its items in one list. */
const preference = z.strictObject({
  arm: z.string(),
  answers: count,
  units: count,
  /** Of units. */
  wins: z.strictObject({ control: count, treatment: count, ties: count }),
  sign: z.strictObject({ delta: z.number(), p: z.number() }),
  /** Mean over units of (requests won - requests lost) / (2 x requests): p of a t test at one look, and an interval that holds at any time. */
  byUnits: z.strictObject({ delta: z.number(), se: z.number(), p: z.number(), low: metric, high: metric }).nullable(),
  sentence: z.string(),
});

const shadow = z.strictObject({
  scenario: z.string().nullable(),
  model: z.string(),
  answers: count,
  /** Share of answers with the same first item, and mean share of shown items that the other model would show. */
  sameFirst: z.number(),
  overlap: z.number(),
  /** Other model less the one that answered. */
  meanDifference: z.number(),
  meanAbsolute: z.number(),
});

export const experimentReportSchema = z.strictObject({
  schema: z.literal('experiment-report/1'),
  log: z.string(),
  key: z.string(),
  mode: z.enum(['split', 'interleave', 'shadow']),
  /** Later events did not count. */
  asOf: z.iso.datetime(),
  period: z.strictObject({
    first: z.iso.datetime(),
    last: z.iso.datetime(),
    days: z.number(),
    /** Version of the assignment. */
    version: count,
    /** Answers under earlier versions. */
    earlier: count,
    repeated: count,
  }),
  /** Of the time before: units of the experiment that were seen then. */
  before: z.strictObject({ days: z.number(), units: count }),
  /** Has a configuration said what decides? Else all types of interactions are success metrics and arms have equal weights. */
  configured: z.boolean(),
  method: z.enum(['always-valid', 'group-sequential']),
  /** Planned looks by units in all arms, and those taken; null where one may always look. */
  looks: z.strictObject({ planned: z.array(count), taken: count, decided: count.nullable() }).nullable(),
  arms: z.array(arm),
  checks: z.array(check),
  treatments: z.array(treatment),
  /**
   * Metrics of the treatments at earlier looks and at this one, in the order of time: at the ends of days where one may always look, else at
   * the planned looks. Absent where it was not asked for.
   */
  history: z
    .array(
      z.strictObject({
        at: z.iso.datetime(),
        /** In all arms. */
        units: count,
        arm: z.string(),
        metric: z.string(),
        difference: interval,
      }),
    )
    .optional(),
  interleaving: z.array(preference),
  shadow: z.array(shadow),
  /** New units a day, of the last days. */
  unitsADay: z.number(),
  seconds,
});

export type ExperimentReport = z.output<typeof experimentReportSchema>;
export type ExperimentTreatment = ExperimentReport['treatments'][number];
export type ComparedMetric = ExperimentTreatment['metrics'][number];
export type ExperimentCheck = ExperimentReport['checks'][number];
export type ExperimentPreference = ExperimentReport['interleaving'][number];
