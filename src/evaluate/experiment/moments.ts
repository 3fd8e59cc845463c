/**
 * From sums over units to means and variances. A unit is what was randomised: a user, not a request. Sums add up over days,
 * processes and cells, so a log is read once.
 */

/** Sums of a metric over the units of an arm. For a proportion, `sumSquares` equals `sum`. */
export interface Sums {
  /** Units. */
  n: number;
  /** Of the units' values. */
  sum: number;
  /** Of their squares. */
  sumSquares: number;
}

/** Sums of a ratio metric: a numerator m (clicks) and a denominator d (impressions) for each unit. */
export interface RatioSums extends Sums {
  /** Sum of d. */
  denominator: number;
  /** Sum of d^2. */
  denominatorSquares: number;
  /** Sum of m d. */
  products: number;
}

/** What tests need of an arm. */
export interface Moments {
  n: number;
  mean: number;
  /** Of one unit, not of the mean. */
  variance: number;
}

/** Adds sums of disjoint sets of units, entry by entry. */
export function addSums<S extends Sums>(all: readonly S[]): S {
  const out = { ...all[0] };
  for (const key of Object.keys(out) as (keyof S)[])
    out[key] = all.reduce((sum, one) => sum + (one[key] as number), 0) as S[keyof S];
  return out;
}

/** Covariance of two values of a unit from their sums, with n - 1 in the denominator; 0 for one unit. */
export const covariance = (n: number, sumX: number, sumY: number, products: number): number =>
  n > 1 ? (products - (sumX * sumY) / n) / (n - 1) : 0;

/** Mean and variance (n - 1 in the denominator) of a metric. */
export const momentsOf = ({ n, sum, sumSquares }: Sums): Moments => ({
  n,
  mean: sum / n,
  variance: covariance(n, sum, sum, sumSquares),
});

/**
 * A ratio of means by the delta method: R = M / D, variance (var m - 2 R cov(m, d) + R^2 var d) / D^2 of one unit, with M and D
 * the means per unit. A. Deng, U. Knoblich, J. Lu: Applying the delta method in metric analytics, KDD 2018.
 */
export function ratioMoments(sums: RatioSums): Moments {
  const { n, sum, sumSquares, denominator, denominatorSquares, products } = sums;
  const mean = sum / denominator;
  const spread =
    covariance(n, sum, sum, sumSquares) -
    2 * mean * covariance(n, sum, denominator, products) +
    mean ** 2 * covariance(n, denominator, denominator, denominatorSquares);
  return { n, mean, variance: spread / (denominator / n) ** 2 };
}

/** Sums of a metric from the units' values. */
export const sumsOf = (values: ArrayLike<number>): Sums => ({
  n: values.length,
  sum: total(values),
  sumSquares: products(values, values),
});

/** Sums of a ratio metric from the units' numerators and denominators, in the same order. */
export const ratioSumsOf = (numerators: ArrayLike<number>, denominators: ArrayLike<number>): RatioSums => {
  const { sum: denominator, sumSquares: denominatorSquares } = sumsOf(denominators);
  return { ...sumsOf(numerators), denominator, denominatorSquares, products: products(numerators, denominators) };
};

function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

function products(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
