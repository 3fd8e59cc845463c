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

  /** Rows (or sums of their weights) that share a probability. A bucket includes its lower edge; the last one includes 1. */
  add(probability: number, positives: number, negatives: number): void {
    const buckets = this.probabilities.length;
    const bucket = Math.min(Math.floor(probability * buckets), buckets - 1);
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
      ...shareOf(this.positives[i], rows),
    })).filter(({ rows }) => rows > 0);
  }
}

/** Share of positives among `rows`, with Wilson's 95 % interval (Wilson, 1927). */
function shareOf(positives: number, rows: number): Pick<CalibrationBucket, 'positiveRate' | 'low' | 'high'> {
  const z = normalCritical(0.05);
  const rate = positives / rows;
  const scale = 1 + z ** 2 / rows;
  const centre = (rate + z ** 2 / (2 * rows)) / scale;
  const half = (z / scale) * Math.sqrt((rate * (1 - rate)) / rows + z ** 2 / (4 * rows ** 2));
  return { positiveRate: rate, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

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
