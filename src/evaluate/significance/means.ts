/** Means over a few values, such as the seeds of a model, and paired differences of them. */
import { studentCritical, studentTwoSided } from './distributions.ts';

export interface Mean {
  n: number;
  mean: number;
  /** Standard deviation with n - 1 in the denominator; null for one value. */
  sd: number | null;
  /** Interval of the mean by Student's t with n - 1 degrees of freedom; null for one value. */
  low: number | null;
  high: number | null;
}

/**
 * Mean, deviation and interval of values that vary normally.
 *
 * @param confidence of the interval. Default 0.95
 */
export function meanOf(values: readonly number[], confidence = 0.95): Mean {
  const n = values.length;
  if (n === 0) throw new RangeError('a mean needs a value');
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  if (n === 1) return { n, mean, sd: null, low: null, high: null };
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  const half = (studentCritical(1 - confidence, n - 1) * sd) / Math.sqrt(n);
  return { n, mean, sd, low: mean - half, high: mean + half };
}

/** A difference and how surprising it is where there is none. */
export interface Test {
  difference: number;
  standardError: number;
  /** Two-sided. */
  p: number;
  low: number;
  high: number;
}

/**
 * Student's paired t test of a[i] - b[i]: do two models differ over seeds, each pair trained with the same seed?
 * Undefined for fewer than two pairs.
 */
export function pairedT(a: readonly number[], b: readonly number[], confidence = 0.95): Test | undefined {
  if (a.length !== b.length) throw new RangeError(`${a.length} values cannot be paired with ${b.length}`);
  if (a.length < 2) return undefined;
  const { n, mean, sd, low, high } = meanOf(
    a.map((x, i) => x - b[i]),
    confidence,
  );
  const standardError = (sd as number) / Math.sqrt(n);
  const p = surprise(mean, standardError, (t) => studentTwoSided(t, n - 1));
  return { difference: mean, standardError, p, low: low as number, high: high as number };
}

/** p of a difference over its standard error; differences that never vary are certain. */
export function surprise(difference: number, standardError: number, twoSided: (ratio: number) => number): number {
  if (standardError === 0) return difference === 0 ? 1 : 0;
  return twoSided(difference / standardError);
}
