/**
 * Guardrails: a metric may lose up to a margin that was set beforehand. M. Schultzberg, S. Ankargren, M. Frånberg: Risk-aware product
 * decisions in A/B tests with multiple metrics, arXiv 2402.11609: every guardrail must hold, so their level needs no correction.
 */
import { studentCritical, studentTail } from '../significance/distributions.ts';
import type { Moments } from './moments.ts';
import { type SequentialOptions, widthFactor } from './sequential.ts';
import { type Effect, welchDof } from './welch.ts';

/** The greatest loss that is accepted, as a difference b - a (negative) or as a share of a's mean. */
export type Margin = { absolute: number } | { relative: number };

export interface NonInferiority {
  /** b - a, or (b - a) / a for a relative margin. */
  estimate: number;
  se: number;
  /** One-sided, of the hypothesis that the difference is at or below the margin. */
  p: number;
  /** Lower end of the one-sided interval of confidence 1 - alpha: above the margin, b is not inferior. */
  lower95one: number;
  notInferior: boolean;
}

/**
 * Is b at most the margin worse than a, for a metric where more is better? At one look, by Welch's t, one-sided. A relative margin is
 * tested on b - (1 + margin) a, which needs no division by an uncertain mean.
 *
 * @param alpha one-sided. Default 0.05
 */
export function nonInferiority(a: Moments, b: Moments, margin: Margin, alpha = 0.05): NonInferiority {
  const { estimate, se, limit, factor } = contrast(a, b, margin);
  const dof = welchDof(a, { ...b, variance: b.variance / factor ** 2 });
  const lower = se === 0 ? estimate : estimate - studentCritical(2 * alpha, dof) * se;
  const p = se === 0 ? Number(estimate <= limit) : studentTail((estimate - limit) / se, dof);
  return { estimate, se, p, lower95one: lower, notInferior: lower > limit };
}

export interface SequentialGuardrail {
  estimate: number;
  se: number;
  /** Bounds of which each holds at all looks with confidence 1 - alpha. */
  lower: number;
  upper: number;
  notInferior: boolean;
  /** The loss is beyond the margin: reason to roll back. */
  inferior: boolean;
}

/** The same at any time, by one-sided confidence sequences. */
export function sequentialGuardrail(
  a: Moments,
  b: Moments,
  margin: Margin,
  options: Omit<SequentialOptions, 'sides' | 'relative'> = {},
): SequentialGuardrail {
  const { estimate, se, limit } = contrast(a, b, margin);
  const half = se * widthFactor(a.n + b.n, { ...options, sides: 1 });
  const [lower, upper] = [estimate - half, estimate + half];
  return { estimate, se, lower, upper, notInferior: lower > limit, inferior: upper < limit };
}

/** The difference on the margin's scale with the error that holds where b = a + margin. A negative mean, such as -latency, loses by growing. */
export function contrast(a: Moments, b: Moments, margin: Margin): Effect & { limit: number; factor: number } {
  const [scale, limit, factor] =
    'absolute' in margin
      ? [1, margin.absolute, 1]
      : [Math.abs(a.mean), margin.relative, 1 + Math.sign(a.mean) * margin.relative];
  const se = Math.sqrt(b.variance / b.n + (factor ** 2 * a.variance) / a.n) / scale;
  return { estimate: (b.mean - a.mean) / scale, se, limit, factor };
}

/** A share's moments with the variance p (1 - p) of a binomial count. */
export const proportionMoments = ({ n, sum }: { n: number; sum: number }): Moments => ({
  n,
  mean: sum / n,
  variance: (sum / n) * (1 - sum / n),
});
