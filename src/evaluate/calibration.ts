/**
 * Expected calibration error (Naeini et al., 2015): rows are put into buckets by probability; the error is the mean,
 * weighted by rows, of the distance between a bucket's mean probability and its share of positives.
 */
import type { CalibrationBucket, Metric } from './grid.ts';
import { missing, overRows, REASONS } from './metric.ts';
import { normalCritical } from './significance/distributions.ts';

const CALIBRATION_BUCKETS = 20;

export class CalibrationBuckets {
  private readonly probabilities: Float64Array;
  private readonly positives: Float64Array;
  private readonly counts: Float64Array;
  private rows = 0;

  constructor(buckets = CALIBRATION_BUCKETS) {
    this.probabilities = new Float64Array(buckets);
    this.positives = new Float64Array(buckets);
    this.counts = new Float64Array(buckets);
  }

  /** Rows (or sums of their weights) that share a probability. */
  add(probability: number, positives: number, negatives: number): void {
    const bucket = bucketOf(probability, this.probabilities.length);
    this.probabilities[bucket] += probability * (positives + negatives);
    this.positives[bucket] += positives;
    this.counts[bucket] += positives + negatives;
    this.rows += positives + negatives;
  }

  error(): Metric {
    const distances = this.probabilities.map((sum, bucket) => Math.abs(sum - this.positives[bucket]));
    return overRows(this.rows, () => sumOf(distances) / this.rows);
  }

  meanProbability(): Metric {
    return overRows(this.rows, () => sumOf(this.probabilities) / this.rows);
  }

  /** The buckets that have rows, by rising probability. */
  buckets(): CalibrationBucket[] {
    return Array.from(this.counts, (rows, i) => ({
      rows,
      positives: this.positives[i],
      meanProbability: this.probabilities[i] / rows,
      ...shareOf(this.positives[i] / rows, rows),
    })).filter(({ rows }) => rows > 0);
  }
}

/** A share of positives among `rows`, with Wilson's 95 % interval (Wilson, 1927). */
function shareOf(rate: number, rows: number): Pick<CalibrationBucket, 'positiveRate' | 'low' | 'high'> {
  const z = normalCritical(0.05);
  const scale = 1 + z ** 2 / rows;
  const centre = (rate + z ** 2 / (2 * rows)) / scale;
  const half = (z / scale) * Math.sqrt((rate * (1 - rate)) / rows + z ** 2 / (4 * rows ** 2));
  return { positiveRate: rate, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Reliability of weighted rows: [rows] finite probabilities, labels 0 or 1, and weights above 0. A bucket's mean probability and share of
 * positives count rows by weight; `rows` and `positives` count them as they are. The interval is Wilson's at the effective number of rows.
 */
export function weightedReliability(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
  buckets = CALIBRATION_BUCKETS,
): { error: Metric; buckets: CalibrationBucket[] } {
  const sums = new CalibrationBuckets(buckets);
  const counts = Array.from({ length: buckets }, () => ({ rows: 0, positives: 0, squares: [0, 0] }));
  for (let i = 0; i < labels.length; i++) {
    sums.add(probabilities[i], weights[i] * labels[i], weights[i] * (1 - labels[i]));
    const count = counts[bucketOf(probabilities[i], buckets)];
    count.rows++;
    count.positives += labels[i];
    count.squares[labels[i]] += weights[i] ** 2;
  }
  const used = counts.filter(({ rows }) => rows > 0);
  return {
    error: sums.error(),
    buckets: sums.buckets().map(({ rows: weight, positives, meanProbability, positiveRate }, i) => ({
      rows: used[i].rows,
      positives: used[i].positives,
      meanProbability,
      ...shareOf(positiveRate, effectiveRows(positives, weight - positives, used[i].squares)),
    })),
  };
}

/**
 * How many rows of one weight would give a share the same variance: r (1 - r) W^2 / sum w^2 (y - r)^2; of one class alone, W^2 / sum w^2
 * (Kish, 1965, section 8.2). Weights of 1 give the number of rows. `squares`: sums of the squared weights of negatives and of positives.
 */
function effectiveRows(positives: number, negatives: number, [ofNegatives, ofPositives]: number[]): number {
  const weight = positives + negatives;
  if (ofNegatives === 0 || ofPositives === 0) return weight ** 2 / (ofNegatives + ofPositives);
  const variance = ofPositives * (negatives / weight) ** 2 + ofNegatives * (positives / weight) ** 2;
  return (positives * negatives) / variance;
}

/** A bucket includes its lower edge; the last one includes 1. */
const bucketOf = (probability: number, buckets: number): number =>
  Math.min(Math.floor(probability * buckets), buckets - 1);

/** Expected calibration error of probabilities. Rows with a NaN label are left out; labels are 0 or 1. */
export function calibrationError(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  buckets = CALIBRATION_BUCKETS,
): Metric {
  const calibration = new CalibrationBuckets(buckets);
  for (let i = 0; i < labels.length; i++) {
    if (Number.isNaN(labels[i])) continue;
    if (Number.isNaN(probabilities[i])) return missing(REASONS.notANumber);
    calibration.add(probabilities[i], labels[i], 1 - labels[i]);
  }
  return calibration.error();
}

const sumOf = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0);
