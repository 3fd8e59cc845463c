/**
 * The cluster bootstrap: rows of one user are not independent, so whole groups are drawn with replacement (A. C. Davison,
 * D. V. Hinkley: Bootstrap Methods and their Application, 1997, section 3.8). All models and cells see the same draws, so that
 * differences are paired. The AUC of a draw is exact: rows count as often as their group was drawn.
 */
import { random } from '../../base/random.ts';
import { normalCritical, normalTwoSided } from './distributions.ts';
import { surprise, type Test } from './means.ts';

/** Rows of one scenario and task: labels 0 or 1, or NaN for rows to leave out. */
export interface BootstrapCell {
  labels: ArrayLike<number>;
  /** Number of the row's group, from 0. */
  groups: ArrayLike<number>;
  /** Scores of the rows, for each model. */
  scores: readonly ArrayLike<number>[];
}

export interface BootstrapOptions {
  /** Groups there are, over all cells. */
  groups: number;
  /** Default 1000. */
  resamples?: number;
  /** Default 1. */
  seed?: number;
}

/** AUC [cell][model][resample]; NaN where a draw left a class empty. */
export function bootstrapAuc(
  cells: readonly BootstrapCell[],
  { groups, resamples = 1000, seed = 1 }: BootstrapOptions,
): Float64Array[][] {
  const sorted = cells.map(({ labels, groups: groupOf, scores }) =>
    scores.map((values) => sortRows(values, labels, groupOf)),
  );
  const out = sorted.map((models) => models.map(() => new Float64Array(resamples)));
  const drawn = new Int32Array(groups);
  for (let i = 0; i < resamples; i++) {
    draw(drawn, seed, i);
    sorted.forEach((models, c) => {
      models.forEach((rows, m) => {
        out[c][m][i] = weightedAuc(rows, drawn);
      });
    });
  }
  return out;
}

/** How often each group is drawn when as many are drawn as there are. */
function draw(counts: Int32Array, seed: number, resample: number): void {
  const generator = random('bootstrap', seed, resample);
  counts.fill(0);
  for (let i = 0; i < counts.length; i++) counts[generator.below(counts.length)]++;
}

/** Rows in order of their score. */
interface SortedRows {
  groups: Int32Array;
  labels: Uint8Array;
  /** 1 where the next row has another score. */
  ends: Uint8Array;
}

function sortRows(scores: ArrayLike<number>, labels: ArrayLike<number>, groups: ArrayLike<number>): SortedRows {
  const rows = Int32Array.from({ length: labels.length }, (_, i) => i).filter((i) => !Number.isNaN(labels[i]));
  rows.sort((i, j) => scores[i] - scores[j]);
  return {
    groups: rows.map((row) => groups[row]),
    labels: Uint8Array.from(rows, (row) => labels[row]),
    ends: Uint8Array.from(rows, (row, at) => Number(scores[row] !== scores[rows[at + 1]])),
  };
}

/** AUC of rows that count as often as their group was drawn. All time is spent here, so no branch depends on labels or draws. */
function weightedAuc({ groups, labels, ends }: SortedRows, drawn: Int32Array): number {
  let below = 0; // negatives with lower scores
  let pairs = 0; // twice the ordered pairs, a tie being one
  let positives = 0;
  let tiePositives = 0;
  let tieNegatives = 0;
  for (let i = 0; i < groups.length; i++) {
    const count = drawn[groups[i]];
    const positive = count * labels[i];
    tiePositives += positive;
    tieNegatives += count - positive;
    if (ends[i] === 0) continue;
    pairs += tiePositives * (2 * below + tieNegatives);
    positives += tiePositives;
    below += tieNegatives;
    tiePositives = 0;
    tieNegatives = 0;
  }
  return pairs / (2 * positives * below); // 0 / 0 where a class is empty
}

/**
 * Tests a difference by its bootstrap: interval and p from the normal distribution with the bootstrap's standard error. Unlike
 * shares of draws they do not end at 1 / resamples, which corrections for many comparisons need, and they agree with each
 * other. Undefined where fewer than half of the draws are defined.
 *
 * @param difference on the rows as they are
 * @param resampled the difference in each draw; NaN where undefined
 */
export function bootstrapTest(difference: number, resampled: Float64Array, confidence = 0.95): Test | undefined {
  const values = resampled.filter((x) => !Number.isNaN(x));
  const n = values.length;
  if (n < 2 || n < resampled.length / 2) return undefined;
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const standardError = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1));
  const half = normalCritical(1 - confidence) * standardError;
  const p = surprise(difference, standardError, normalTwoSided);
  return { difference, standardError, p, low: difference - half, high: difference + half };
}
