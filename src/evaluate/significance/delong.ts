/**
 * The variance of an AUC and of the difference of two on the same rows, without resampling.
 *
 * Elisabeth R. DeLong, David M. DeLong, Daniel L. Clarke-Pearson: Comparing the areas under two or more correlated receiver
 * operating characteristic curves: a nonparametric approach. Biometrics 44 (1988). An AUC is a mean of placements: the share of
 * negatives below each positive. Placements come from sorted scores, as midranks do in Xu Sun, Weichao Xu: Fast implementation
 * of DeLong's algorithm for comparing the areas under correlated receiver operating characteristic curves, IEEE Signal
 * Processing Letters 21 (2014): O(n log n) rather than O(n^2).
 */
import { mean } from '../../base/numbers.ts';
import { normalCritical, normalTwoSided } from './distributions.ts';
import { surprise, type Test } from './means.ts';

export interface Placements {
  auc: number;
  /** Of each positive, in row order: the share of negatives with a lower score, ties counting one half. */
  positives: Float64Array;
  /** Of each negative: the share of positives with a higher score. */
  negatives: Float64Array;
}

/**
 * Placements of the rows; those with a NaN label are left out, labels are 0 or 1. Undefined where a class has no row or a score
 * is not a number.
 */
export function placements(scores: ArrayLike<number>, labels: ArrayLike<number>): Placements | undefined {
  const positives = scoresOf(scores, labels, 1);
  const negatives = scoresOf(scores, labels, 0);
  if (positives.length === 0 || negatives.length === 0) return undefined;
  const sortedPositives = positives.toSorted();
  const sortedNegatives = negatives.toSorted();
  if (Number.isNaN(sortedPositives.at(-1)) || Number.isNaN(sortedNegatives.at(-1))) return undefined;
  const ofPositives = positives.map((score) => shareBelow(sortedNegatives, score));
  const ofNegatives = negatives.map((score) => 1 - shareBelow(sortedPositives, score));
  return { auc: mean(ofPositives), positives: ofPositives, negatives: ofNegatives };
}

/** Placements whose AUC is the mean of several on the same rows, for example of one model's seeds. */
export function meanPlacements(all: readonly Placements[]): Placements {
  const average = (of: (one: Placements) => Float64Array): Float64Array =>
    of(all[0]).map((_, i) => all.reduce((sum, one) => sum + of(one)[i], 0) / all.length);
  return {
    auc: all.reduce((sum, { auc }) => sum + auc, 0) / all.length,
    positives: average((one) => one.positives),
    negatives: average((one) => one.negatives),
  };
}

/** Variance of the AUC over samples of rows. Undefined for a class with one row. */
export const aucVariance = ({ positives, negatives }: Placements): number | undefined =>
  positives.length < 2 || negatives.length < 2
    ? undefined
    : variance(positives) / positives.length + variance(negatives) / negatives.length;

/** Tests the difference of the AUCs of a and b on the same rows. Undefined for a class with one row. */
export function delongTest(a: Placements, b: Placements, confidence = 0.95): Test | undefined {
  const squared = aucVariance({
    auc: a.auc - b.auc,
    positives: a.positives.map((v, i) => v - b.positives[i]),
    negatives: a.negatives.map((v, i) => v - b.negatives[i]),
  });
  if (squared === undefined) return undefined;
  const difference = a.auc - b.auc;
  const standardError = Math.sqrt(squared);
  const half = normalCritical(1 - confidence) * standardError;
  const p = surprise(difference, standardError, normalTwoSided);
  return { difference, standardError, p, low: difference - half, high: difference + half };
}

function scoresOf(scores: ArrayLike<number>, labels: ArrayLike<number>, label: number): Float64Array {
  const kept: number[] = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] === label) kept.push(scores[i]);
  return Float64Array.from(kept);
}

/** Share of a sorted list that is lower than a number, ties counting one half. */
const shareBelow = (sorted: Float64Array, score: number): number =>
  (countBelow(sorted, score, false) + countBelow(sorted, score, true)) / 2 / sorted.length;

/** How many numbers of a sorted list are lower than a number, or, `orEqual`, not higher. */
function countBelow(sorted: Float64Array, score: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < score || (orEqual && sorted[middle] === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function variance(values: Float64Array): number {
  const center = mean(values);
  return values.reduce((sum, x) => sum + (x - center) ** 2, 0) / (values.length - 1);
}
