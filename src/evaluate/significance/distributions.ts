/** Tails and quantiles of the normal, Student's t, the chi-square and the binomial distribution, to about 1e-12. */
import { erfc, incompleteBeta, upperGamma } from './special.ts';

/** P(|Z| >= |z|) of a standard normal number. */
export const normalTwoSided = (z: number): number => erfc(Math.abs(z) / Math.SQRT2);

/** P(Z <= z) of a standard normal number. */
export const normalBelow = (z: number): number => (z < 0 ? normalTwoSided(z) / 2 : 1 - normalTwoSided(z) / 2);

/** P(|T| >= |t|) of Student's t with `df` degrees of freedom (any positive number). */
export function studentTwoSided(t: number, df: number): number {
  if (t === 0) return 1;
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** P(T >= t). */
export const studentTail = (t: number, df: number): number =>
  t >= 0 ? studentTwoSided(t, df) / 2 : 1 - studentTwoSided(t, df) / 2;

/** The z that a standard normal number exceeds in absolute value with this probability: 1.96 for 0.05. */
export const normalCritical = (twoSided: number): number => invert(normalTwoSided, twoSided);

/** The z that a standard normal number is below with this probability: 1.645 for 0.95. */
export const normalQuantile = (p: number): number => (p >= 0.5 ? normalCritical(2 * (1 - p)) : -normalCritical(2 * p));

/** `normalCritical` of Student's t. */
export const studentCritical = (twoSided: number, df: number): number =>
  invert((t) => studentTwoSided(t, df), twoSided);

/**
 * P(X >= x) of a chi-square number, from its upper tail: small probabilities keep their digits.
 *
 * @param df degrees of freedom. Default 1
 */
export const chiSquareTail = (x: number, df = 1): number =>
  df === 1 ? normalTwoSided(Math.sqrt(x)) : upperGamma(df / 2, x / 2);

/** The x that a chi-square number with one degree of freedom exceeds with this probability: 3.84 for 0.05. */
export const chiSquareCritical = (tail: number): number => normalCritical(tail) ** 2;

/** P(at most k of n fair coins show heads). */
export const fairCoinsAtMost = (k: number, n: number): number => (k >= n ? 1 : incompleteBeta(0.5, n - k, k + 1));

/** Where a function that falls from 1 to 0 over the positive numbers takes a value. */
function invert(falling: (x: number) => number, value: number): number {
  let high = 1;
  while (falling(high) > value) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (falling(middle) > value) low = middle;
    else high = middle;
  }
}
