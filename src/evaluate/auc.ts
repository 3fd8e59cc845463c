/** Area under the ROC curve: the share of (positive, negative) pairs in the right order, a tie counting one half. */
import type { Metric } from './grid.ts';
import { missing, REASONS, value } from './metric.ts';

/**
 * Counts ordered pairs exactly, in integers, over distinct scores given in ascending order: the count does not depend
 * on how rows were ordered or batched.
 */
export class PairCounter {
  positives = 0;
  negatives = 0;
  /** Twice the pairs in the right order (a tie is one): `low` while it is exact in float64, then moved to `high`. */
  private low = 0;
  private high = 0n;

  /** Rows of the next higher score. */
  add(positives: number, negatives: number): void {
    const below = 2 * this.negatives + negatives;
    const sum = this.low + positives * below;
    if (sum <= Number.MAX_SAFE_INTEGER) this.low = sum;
    else {
      this.high += BigInt(this.low) + BigInt(positives) * BigInt(below);
      this.low = 0;
    }
    this.positives += positives;
    this.negatives += negatives;
  }

  /** Undefined unless there are rows of both classes. */
  area(): Metric {
    if (this.positives + this.negatives === 0) return missing(REASONS.noRows);
    if (this.positives === 0) return missing(REASONS.noPositives);
    if (this.negatives === 0) return missing(REASONS.noNegatives);
    const twice = this.high === 0n ? this.low : Number(this.high + BigInt(this.low));
    return value(twice / (2 * this.positives * this.negatives));
  }
}

/** Exact AUC of any scores, compared as float64. Rows with a NaN label are left out; labels are 0 or 1. */
export function auc(scores: ArrayLike<number>, labels: ArrayLike<number>): Metric {
  const positives = sortedScores(scores, labels, 1);
  const negatives = sortedScores(scores, labels, 0);
  if (Number.isNaN(positives.at(-1)) || Number.isNaN(negatives.at(-1))) return missing(REASONS.notANumber);

  const pairs = new PairCounter();
  let p = 0;
  let n = 0;
  while (p < positives.length || n < negatives.length) {
    const score = Math.min(positives[p] ?? Infinity, negatives[n] ?? Infinity);
    const [firstP, firstN] = [p, n];
    while (positives[p] === score) p++;
    while (negatives[n] === score) n++;
    pairs.add(p - firstP, n - firstN);
  }
  return pairs.area();
}

/** Typed arrays sort by number, NaN last. */
function sortedScores(scores: ArrayLike<number>, labels: ArrayLike<number>, label: number): Float64Array {
  const kept: number[] = [];
  for (let i = 0; i < scores.length; i++) if (labels[i] === label) kept.push(scores[i]);
  return Float64Array.from(kept).sort();
}
