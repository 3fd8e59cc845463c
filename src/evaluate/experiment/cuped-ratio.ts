/**
 * CUPED for ratio metrics (clicks per impression by user): both periods' ratios are made linear, and the part that the earlier one
 * explains is taken off. A. Deng, Y. Xu, R. Kohavi, T. Walker, WSDM 2013, appendix B, with the delta method of KDD 2018.
 */
import { covariance, type Moments, ratioMoments } from './moments.ts';
import { effectOf, tTest, type WelchTest, welchDof } from './welch.ts';

/** Numerator and denominator in the experiment, and before it: m, d, m', d' of each unit. */
export type Quadruple = readonly [m: number, d: number, preM: number, preD: number];

/** Sums over units of the four values and of their products. */
export interface JointSums {
  n: number;
  sums: Quadruple;
  /** [4][4], symmetric: sums of products. */
  products: readonly Quadruple[];
}

export interface RatioCupedTest extends WelchTest {
  /** What is taken off for each unit of the earlier ratio's linear part. */
  theta: number;
  /** Variance of the difference over that of the plain one. */
  varianceRatio: number;
}

/**
 * Welch's test of the difference of ratios, less theta times the difference of the earlier ratios. theta = sum of the arms' covariances over
 * the sum of their variances. Undefined without earlier events in an arm.
 *
 * @param alpha default 0.05
 */
export function ratioCupedTest(a: JointSums, b: JointSums, alpha = 0.05): RatioCupedTest | undefined {
  if (a.sums[3] <= 0 || b.sums[3] <= 0) return undefined;
  const [ofA, ofB] = [linear(a), linear(b)];
  const spread = ofA.preVariance + ofB.preVariance;
  const theta = spread === 0 ? 0 : (ofA.covariance + ofB.covariance) / spread;
  const [adjustedA, adjustedB] = [adjusted(ofA, theta), adjusted(ofB, theta)];
  const effect = effectOf(adjustedA, adjustedB);
  const plain = effectOf(adjusted(ofA, 0), adjusted(ofB, 0)).se;
  return {
    ...tTest(effect, welchDof(adjustedA, adjustedB), alpha),
    theta,
    varianceRatio: plain === 0 ? 1 : (effect.se / plain) ** 2,
  };
}

export interface AdjustedMoments {
  a: Moments;
  b: Moments;
  theta: number;
  /** Variance of the difference over that of the plain one; 1 without earlier events. */
  varianceRatio: number;
}

/**
 * Both arms after the adjustment, for tests at any look; plain ones where an arm has no earlier events. What is taken off is measured from
 * the mean of both arms, so that means stay those of the metric and relative differences keep their sense.
 */
export function adjustedMoments(a: JointSums, b: JointSums): AdjustedMoments {
  if (a.sums[3] <= 0 || b.sums[3] <= 0) return { a: jointMoments(a), b: jointMoments(b), theta: 0, varianceRatio: 1 };
  const [ofA, ofB] = [linear(a), linear(b)];
  const spread = ofA.preVariance + ofB.preVariance;
  const theta = spread === 0 ? 0 : (ofA.covariance + ofB.covariance) / spread;
  const center = theta * ((a.sums[2] + b.sums[2]) / (a.sums[3] + b.sums[3]));
  const [one, two] = [ofA, ofB].map((of) => adjusted(of, theta)).map((of) => ({ ...of, mean: of.mean + center }));
  const plain = ofA.variance / a.n + ofB.variance / b.n;
  const left = one.variance / a.n + two.variance / b.n;
  return { a: one, b: two, theta, varianceRatio: plain === 0 ? 1 : left / plain };
}

/** A ratio without adjustment. */
export function jointMoments({ n, sums, products }: JointSums): Moments {
  const [sum, denominator] = sums;
  return ratioMoments({
    n,
    sum,
    denominator,
    sumSquares: products[0][0],
    denominatorSquares: products[1][1],
    products: products[0][1],
  });
}

interface Linear {
  n: number;
  ratio: number;
  preRatio: number;
  variance: number;
  preVariance: number;
  covariance: number;
}

/** Ratios of both periods with the variances and covariance of their linear parts (m - R d) / D. */
function linear({ n, sums, products }: JointSums): Linear {
  const ratio = sums[0] / sums[1];
  const preRatio = sums[2] / sums[3];
  const now = [n / sums[1], (-ratio * n) / sums[1], 0, 0];
  const before = [0, 0, n / sums[3], (-preRatio * n) / sums[3]];
  const form = (x: readonly number[], y: readonly number[]): number =>
    x.reduce(
      (total, xi, i) =>
        total + y.reduce((sum, yj, j) => sum + xi * yj * covariance(n, sums[i], sums[j], products[i][j]), 0),
      0,
    );
  return {
    n,
    ratio,
    preRatio,
    variance: form(now, now),
    preVariance: form(before, before),
    covariance: form(now, before),
  };
}

const adjusted = (of: Linear, theta: number): Moments => ({
  n: of.n,
  mean: of.ratio - theta * of.preRatio,
  variance: of.variance - 2 * theta * of.covariance + theta ** 2 * of.preVariance,
});

/** Sums from the units' values. */
export function jointSumsOf(units: readonly Quadruple[]): JointSums {
  const at = (of: (unit: Quadruple) => number): number => units.reduce((sum, unit) => sum + of(unit), 0);
  const each = (of: (i: number) => number): Quadruple => [of(0), of(1), of(2), of(3)];
  return {
    n: units.length,
    sums: each((i) => at((unit) => unit[i])),
    products: [0, 1, 2, 3].map((i) => each((j) => at((unit) => unit[i] * unit[j]))),
  };
}
