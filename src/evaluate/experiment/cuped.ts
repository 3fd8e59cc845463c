/**
 * CUPED: what a unit did before the experiment predicts what it does in it, so the predictable part is taken off.
 * A. Deng, Y. Xu, R. Kohavi, T. Walker: Improving the sensitivity of online controlled experiments by utilizing pre-experiment
 * data, WSDM 2013. The value must be known before exposure, or the adjustment takes a part of the effect away.
 */
import { addSums, covariance, type Moments, momentsOf, type Sums } from './moments.ts';
import { effectOf, tTest, type WelchTest, welchDof } from './welch.ts';

/** Sums of a metric x in the experiment and of the same units' value before it. */
export interface PreSums extends Sums {
  preSum: number;
  preSumSquares: number;
  /** Sum of value times value before. */
  products: number;
}

export interface CupedTest extends WelchTest {
  /** What is taken off for each unit of the value before: cov(y, x) / var(x), pooled over the arms. */
  theta: number;
  /** Variance of the difference over that of the plain one: 0.6 saves 40 % of the units. */
  varianceRatio: number;
}

export interface CupedOptions {
  /** Default false; a share of a's plain mean. */
  relative?: boolean;
  /** Default 0.05. */
  alpha?: number;
}

/**
 * Welch's test of y - theta x. Relative: (difference of adjusted means) / (a's plain mean), by the delta method; since E x is the same in
 * both arms, the derivative by a's values is -(b / a) y + theta x, over a's mean.
 */
export function cupedTest(a: PreSums, b: PreSums, { relative = false, alpha = 0.05 }: CupedOptions = {}): CupedTest {
  const theta = pooledTheta(a, b);
  const [mean, factor] = relative ? [a.sum / a.n, b.sum / b.n / (a.sum / a.n)] : [1, 1];
  const [ofA, ofB] = [combined(a, 1, theta), combined(b, 1, theta)];
  const se = Math.sqrt(combined(a, factor, theta).variance / a.n + ofB.variance / b.n) / Math.abs(mean);
  const effect = { estimate: (ofB.mean - ofA.mean) / mean, se };
  const [plain, less] = [effectOf(momentsOf(a), momentsOf(b)), effectOf(ofA, ofB)];
  return {
    ...tTest(effect, welchDof(ofA, ofB), alpha),
    theta,
    varianceRatio: plain.se === 0 ? 1 : (less.se / plain.se) ** 2,
  };
}

function pooledTheta(a: PreSums, b: PreSums): number {
  const { n, sum, preSum, preSumSquares, products } = addSums([a, b]);
  const variance = covariance(n, preSum, preSum, preSumSquares);
  return variance === 0 ? 0 : covariance(n, sum, preSum, products) / variance;
}

/** Moments of factor y - theta x. */
function combined(
  { n, sum, sumSquares, preSum, preSumSquares, products }: PreSums,
  factor: number,
  theta: number,
): Moments {
  const variance =
    factor ** 2 * covariance(n, sum, sum, sumSquares) -
    2 * factor * theta * covariance(n, sum, preSum, products) +
    theta ** 2 * covariance(n, preSum, preSum, preSumSquares);
  return { n, mean: (factor * sum - theta * preSum) / n, variance };
}
