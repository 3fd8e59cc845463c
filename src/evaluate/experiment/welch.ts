/**
 * The difference of two arms at one look that was fixed beforehand.
 *
 * B. L. Welch: The generalization of "Student's" problem when several different population variances are involved, Biometrika 34
 * (1947). Looking every day and stopping at p < 0.05 breaks its promise: see sequential.ts.
 */
import { normalCritical, studentCritical, studentTwoSided } from '../significance/distributions.ts';
import { surprise } from '../significance/means.ts';
import type { Moments } from './moments.ts';

export interface Effect {
  /** b - a, or (b - a) / a. */
  estimate: number;
  /** Standard error of the estimate. */
  se: number;
}

export interface WelchTest extends Effect {
  /** Degrees of freedom after Welch and Satterthwaite. */
  dof: number;
  /** Two-sided. */
  p: number;
  low: number;
  high: number;
}

export interface EffectOptions {
  /** Difference as a share of a's mean. Default false. */
  relative?: boolean;
}

/**
 * Effect of b against a with its standard error: se^2 = va / na + vb / nb; relative: the delta method for b / a,
 * vb / (nb a^2) + va b^2 / (na a^4).
 */
export function effectOf(a: Moments, b: Moments, { relative = false }: EffectOptions = {}): Effect {
  const [va, vb] = [a.variance / a.n, b.variance / b.n];
  if (!relative) return { estimate: b.mean - a.mean, se: Math.sqrt(va + vb) };
  const estimate = (b.mean - a.mean) / a.mean;
  return { estimate, se: Math.sqrt(vb + va * (b.mean / a.mean) ** 2) / Math.abs(a.mean) };
}

/** Welch's degrees of freedom. Infinite where nothing varies. */
export function welchDof(a: Moments, b: Moments): number {
  const [va, vb] = [a.variance / a.n, b.variance / b.n];
  if (va + vb === 0) return Number.POSITIVE_INFINITY;
  return (va + vb) ** 2 / (va ** 2 / (a.n - 1) + vb ** 2 / (b.n - 1));
}

/**
 * Welch's t test of b against a.
 *
 * @param alpha 1 - alpha is the confidence of the interval. Default 0.05
 */
export function welchTest(
  a: Moments,
  b: Moments,
  { relative, alpha = 0.05 }: EffectOptions & { alpha?: number } = {},
): WelchTest {
  return tTest(effectOf(a, b, { relative }), welchDof(a, b), alpha);
}

/** Interval and p of an effect by Student's t; differences that never vary are certain. */
export function tTest({ estimate, se }: Effect, dof: number, alpha: number): WelchTest {
  const finite = Number.isFinite(dof);
  const half = se === 0 ? 0 : (finite ? studentCritical(alpha, dof) : normalCritical(alpha)) * se;
  const p = surprise(estimate, se, (t) => studentTwoSided(t, dof));
  return { estimate, se, dof, p, low: estimate - half, high: estimate + half };
}

/**
 * Fieller's interval of the ratio of means b / a less 1, which does not need a's mean to be far from 0. E. C. Fieller: Some problems
 * in interval estimation, JRSS B 16 (1954). Where a's own interval holds 0, the ratio may be anything: undefined.
 */
export function fiellerInterval(a: Moments, b: Moments, alpha = 0.05): { low: number; high: number } | undefined {
  const t = studentCritical(alpha, welchDof(a, b));
  const [va, vb] = [(t ** 2 * a.variance) / a.n, (t ** 2 * b.variance) / b.n];
  // Ratios r with (b - r a)^2 <= vb + r^2 va: the roots of a quadratic.
  const square = a.mean ** 2 - va;
  if (square <= 0) return undefined;
  const root = Math.sqrt(a.mean ** 2 * vb + b.mean ** 2 * va - va * vb);
  const middle = a.mean * b.mean;
  return { low: (middle - root) / square - 1, high: (middle + root) / square - 1 };
}
