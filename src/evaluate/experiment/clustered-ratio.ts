/**
 * Rates per impression with users as units. Impressions of one user are no independent rows: the naive binomial error is wrong by
 * as much as users differ. A. Deng, J. Lu, W. Qin: The equivalence of the delta method and the cluster-robust variance estimator
 * for the analysis of clustered randomized experiments, arXiv 2105.14705.
 */
import { type RatioSums, ratioMoments } from './moments.ts';

export interface ClusteredRatio {
  /** Rate of b less rate of a. */
  difference: number;
  /** Delta method with n - 1 (ddof 1) or n (ddof 0) in the variances per unit; the latter equals CR0. */
  seDelta_ddof1: number;
  seDelta_ddof0: number;
  /** Cluster-robust error of the regression of clicks on the arm, weighted by impressions: CR0 as it is, CR1 with the small-sample factor. */
  seCR0: number;
  seCR1: number;
  /** What a binomial distribution over impressions would give. */
  seNaiveBinomial: number;
}

/** The difference of two rates and its standard error in each of the usual forms. */
export function clusteredRatio(a: RatioSums, b: RatioSums): ClusteredRatio {
  const rate = (s: RatioSums): number => s.sum / s.denominator;
  const root = (of: (s: RatioSums) => number): number => Math.sqrt(of(a) + of(b));
  const clusters = a.n + b.n;
  const impressions = a.denominator + b.denominator;
  const seCR0 = root(squaredResiduals);
  // Stata's factor for two estimated coefficients: G / (G - 1) (N - 1) / (N - 2).
  const factor = (clusters / (clusters - 1)) * ((impressions - 1) / (impressions - 2));
  return {
    difference: rate(b) - rate(a),
    seDelta_ddof1: root((s) => ratioMoments(s).variance / s.n),
    seDelta_ddof0: root((s) => (ratioMoments(s).variance * (s.n - 1)) / s.n ** 2),
    seCR0,
    seCR1: seCR0 * Math.sqrt(factor),
    seNaiveBinomial: root((s) => (rate(s) * (1 - rate(s))) / s.denominator),
  };
}

/** Sum over users of (clicks - rate x impressions)^2, over the impressions squared: the sandwich of an arm. */
function squaredResiduals({ sum, sumSquares, denominator, denominatorSquares, products }: RatioSums): number {
  const rate = sum / denominator;
  return (sumSquares - 2 * rate * products + rate ** 2 * denominatorSquares) / denominator ** 2;
}

/** How many times the variance of the rate exceeds the binomial one, because a user's impressions are alike. 1: they are not. */
export const designEffect = (sums: RatioSums): number => {
  const rate = sums.sum / sums.denominator;
  return squaredResiduals(sums) / ((rate * (1 - rate)) / sums.denominator);
};
