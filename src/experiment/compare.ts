/** One treatment against the control: every metric with its interval, and what decides. */
import { type MarginConfig, toleranceOf } from '../config/experiment/analysis.ts';
import { isLowerBetter, type Metric } from '../config/experiment/metric.ts';
import type { ComparedMetric } from '../documents/experiment/report.ts';
import {
  adjustedMoments,
  bernoulliSequence,
  contrast,
  type Finding,
  type JointSums,
  jointMoments,
  lanDeMets,
  type Moments,
  sequentialRefusal,
  sequentialTest,
  type VerdictInput,
  welchTest,
  widthFactor,
} from '../evaluate/experiment/index.ts';
import type { Guardrail, SuccessMetric } from './settings.ts';

/** How wide intervals are, in standard errors, so that they hold at this look together with all others. */
export interface Looks {
  twoSided(units: number, level: number): number;
  oneSided(units: number): number;
  /** Of no difference. */
  p(a: Moments, b: Moments): number;
}

/** Level of all tests. */
export const LEVEL = 0.05;

export const anyTime: Looks = {
  twoSided: (units, alpha) => widthFactor(units, { alpha }),
  oneSided: (units) => widthFactor(units, { alpha: LEVEL, sides: 1 }),
  p: (a, b) => sequentialTest(a, b).p,
};

/** @param shares of the maximum at the looks so far, this one last */
export function plannedLooks(shares: readonly number[]): Looks {
  const bound = (alpha: number, sides: 1 | 2): number => lanDeMets(shares, { alpha, sides }).z.at(-1) as number;
  return {
    twoSided: (_, alpha) => bound(alpha, 2),
    oneSided: () => bound(LEVEL, 1),
    p: (a, b) => welchTest(a, b).p,
  };
}

/** A metric of two arms. */
export interface Pair {
  metric: Metric;
  control: JointSums;
  treatment: JointSums;
}

interface Estimated extends Pair {
  a: Moments;
  b: Moments;
  cuped: ComparedMetric['cuped'];
  estimate: number;
  se: number;
  units: number;
  /** Why nothing is concluded. */
  refusal?: string;
}

export function estimate(pair: Pair): Estimated {
  const { metric, control, treatment } = pair;
  const { a, b, theta, varianceRatio } = adjustedMoments(control, treatment);
  const cuped = theta === 0 ? null : { theta, varianceRatio };
  const { estimate: difference, se } = contrast(a, b, { absolute: 0 });
  const units = a.n + b.n;
  const empty = [control, treatment].some(({ sums }) => sums[1] === 0);
  const none = `no unit of an arm has ${metric.name} to measure`;
  const refusal = sequentialRefusal(a, b) ?? (empty ? none : undefined);
  return { ...pair, a, b, cuped, estimate: difference, se, units, refusal };
}

export interface Comparison {
  metrics: ComparedMetric[];
  success: VerdictInput['success'];
  guardrails: VerdictInput['guardrails'];
  /** Why nothing is concluded. */
  waits: string[];
}

/**
 * @param levels of the success metrics, in their order
 */
export function compare(
  pairOf: (metric: Metric) => Pair,
  { success, guardrails }: { success: readonly SuccessMetric[]; guardrails: readonly Guardrail[] },
  looks: Looks,
  levels: readonly number[],
): Comparison {
  const ofSuccess = success.map((one, i) => successOf(estimate(pairOf(one.metric)), one, looks, levels[i]));
  const ofGuardrails = guardrails.map((one) => guardrailOf(estimate(pairOf(one.metric)), one, looks));
  const all = [...ofSuccess, ...ofGuardrails];
  return {
    metrics: all.map(({ compared }) => compared),
    success: ofSuccess.flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    guardrails: ofGuardrails.flatMap(({ finding }) => (finding === undefined ? [] : [finding])),
    waits: [...new Set(all.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal])))],
  };
}

interface Compared<F> {
  compared: ComparedMetric;
  finding?: F;
  refusal?: string;
}

function successOf(
  of: Estimated,
  { margin }: SuccessMetric,
  looks: Looks,
  level: number,
): Compared<VerdictInput['success'][number]> {
  const shared = { ...sharedOf(of), role: 'success' as const, level, margin: margin ?? null };
  const { metric, a, b, estimate, se, units } = of;
  const refusal = of.refusal ?? (se === 0 ? `${metric.name} is the same for all units so far` : undefined);
  if (refusal !== undefined) return { compared: { ...shared, ...unknown(of), p: null, finding: 'open' }, refusal };
  const half = se * looks.twoSided(units, level);
  const [low, high] = [estimate - half, estimate + half];
  const tolerance = margin === undefined ? undefined : toleranceOf(margin);
  const equal =
    tolerance === undefined
      ? undefined
      : 'absolute' in tolerance
        ? tolerance.absolute
        : tolerance.relative * Math.abs(a.mean);
  const isWithin = equal !== undefined && low > -equal && high < equal;
  const finding = low > 0 ? 'better' : high < 0 ? 'worse' : isWithin ? 'within' : 'open';
  const found: Finding & { margin?: number } = { metric: metric.name, estimate, low, high };
  if (equal !== undefined) found.margin = equal;
  const compared: ComparedMetric = {
    ...shared,
    difference: { estimate, low, high },
    relative: relativeOf(a, b, looks.twoSided(units, level)),
    p: looks.p(a, b),
    finding,
  };
  return { compared, finding: found };
}

function guardrailOf(of: Estimated, { margin }: Guardrail, looks: Looks): Compared<VerdictInput['guardrails'][number]> {
  const shared = { ...sharedOf(of), role: 'guardrail' as const, level: LEVEL, margin, p: null };
  const { metric, a, b, units, refusal } = of;
  if (refusal !== undefined) return { compared: { ...shared, ...unknown(of), finding: 'open' }, refusal };
  const lowerIsBetter = shared.lowerIsBetter;
  const tolerance = limitOf(metric, margin);
  const { estimate, se, limit } = contrast(a, b, tolerance);
  const half = se === 0 ? neverSeen(a, b) : se * looks.oneSided(units);
  const [low, high] = [estimate - half, estimate + half];
  const relative = 'relative' in tolerance;
  const name = isQuantile(metric) ? `${metric.name} (share of answers within the limit)` : metric.name;
  const factor = looks.oneSided(units);
  const plain = contrast(a, b, { absolute: 0 });
  const flip = (x: number): number => (lowerIsBetter ? -x : x);
  const reach = plain.se === 0 ? half : factor * plain.se;
  const ends = [plain.estimate - reach, plain.estimate + reach].map(flip).sort((x, y) => x - y);
  const share = relativeOf(a, b, factor);
  return {
    compared: {
      ...shared,
      difference: { estimate: flip(plain.estimate), low: ends[0], high: ends[1] },
      relative: share === null || !lowerIsBetter ? share : flipped(share),
      finding: high < limit ? 'beyond' : low > limit ? 'within' : 'open',
    },
    finding: { metric: name, estimate, low, high, margin: limit, relative, lowerIsBetter },
  };
}

/** Where nothing has happened yet, such as no error: the share of units to which it may happen all the same, at any time. */
const neverSeen = (a: Moments, b: Moments): number => {
  const n = Math.min(a.n, b.n);
  return bernoulliSequence(0, n, { alpha: LEVEL, tOpt: n }).high;
};

const flipped = ({ estimate, low, high }: NonNullable<ComparedMetric['relative']>): ComparedMetric['relative'] => ({
  estimate: -estimate,
  low: high === null ? null : -high,
  high: low === null ? null : -low,
});

/** What a guardrail must not fall below. The margin of a quantile is in its limits already: see `latencyLimits`. */
export function limitOf(metric: Metric, margin: MarginConfig): ReturnType<typeof toleranceOf> {
  if (isQuantile(metric)) return { absolute: 0 };
  const tolerance = toleranceOf(margin);
  return 'absolute' in tolerance ? { absolute: -tolerance.absolute } : { relative: -tolerance.relative };
}

/** Differences as a share of |control|: the sign says whether it is better. */
function relativeOf(a: Moments, b: Moments, factor: number): ComparedMetric['relative'] {
  if (!(Math.abs(a.mean) > 0)) return null;
  const ratio = b.mean / a.mean;
  const se = Math.sqrt(b.variance / b.n + (ratio ** 2 * a.variance) / a.n) / Math.abs(a.mean);
  const estimate = (b.mean - a.mean) / Math.abs(a.mean);
  return { estimate, low: estimate - factor * se, high: estimate + factor * se };
}

const isQuantile = (metric: Metric): boolean => metric.kind === 'latency' && metric.quantile !== undefined;

function sharedOf({ metric, control, treatment, cuped }: Estimated) {
  const lowerIsBetter = isLowerBetter(metric) && !isQuantile(metric);
  const value = (sums: JointSums): number | null => {
    if (sums.n === 0 || sums.sums[1] === 0) return null;
    const { mean } = jointMoments(sums);
    return lowerIsBetter ? -mean : mean;
  };
  return { metric: metric.name, lowerIsBetter, control: value(control), treatment: value(treatment), cuped };
}

const unknown = ({ estimate }: Estimated) => ({
  difference: { estimate: Number.isFinite(estimate) ? estimate : 0, low: null, high: null },
  relative: null,
});

/**
 * Holm's procedure by intervals: the clearest difference is held against level / number, and if it stands the next one against
 * level / (number - 1). Returns the level of each.
 */
export function holmLevels(pairs: readonly Pair[], looks: Looks): number[] {
  const all = pairs.map(estimate);
  const z = all.map(({ estimate, se, refusal }) => (refusal !== undefined || se === 0 ? 0 : Math.abs(estimate) / se));
  const order = z.map((_, i) => i).sort((i, j) => z[j] - z[i]);
  const levels = new Array<number>(pairs.length).fill(LEVEL);
  let rejected = 0;
  let stands = true;
  for (const i of order) {
    levels[i] = LEVEL / (pairs.length - rejected);
    stands = stands && z[i] > looks.twoSided(all[i].units, levels[i]);
    if (stands) rejected++;
  }
  return levels;
}
