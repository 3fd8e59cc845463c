/** Paired differences of two scores on the same rows. Intervals count clusters of rows (users) as independent, not rows. */
import { GroupNumbers, normalCritical, placements } from '../../evaluate/significance/index.ts';

/** An estimate with its 95 % interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

const Z = normalCritical(0.05);

export const interval = (value: number, error: number): Estimate => ({
  value,
  low: value - Z * error,
  high: value + Z * error,
});

/** An estimate over its standard error; 0 where it has none. */
export const ratioOf = ({ value, low, high }: Estimate): number => (high > low ? (2 * Z * value) / (high - low) : 0);

/** Numbers 0 .. G-1 of the rows' groups. */
export function clustersOf(own: readonly number[], group: Int32Array | undefined): Int32Array {
  const numbers = new GroupNumbers();
  return Int32Array.from(own, (row) => numbers.of(group?.[row] ?? -1));
}

export const clusterCount = (clusters: Int32Array): number =>
  clusters.reduce((most, cluster) => Math.max(most, cluster + 1), 0);

/** AUC of a minus AUC of b: the error from each cluster's influence on both. */
export function aucDifference(y: Float64Array, a: Float64Array, b: Float64Array, clusters: Int32Array): Estimate {
  const [of, other] = [placements(a, y), placements(b, y)];
  if (of === undefined || other === undefined) return { value: 0, low: 0, high: 0 };
  const value = of.auc - other.auc;
  const influence = new Float64Array(clusterCount(clusters));
  let p = 0;
  let n = 0;
  for (let row = 0; row < y.length; row++) {
    const [left, right, count] =
      y[row] === 1
        ? [of.positives[p], other.positives[p++], of.positives.length]
        : [of.negatives[n], other.negatives[n++], of.negatives.length];
    influence[clusters[row]] += (left - right - value) / count;
  }
  return interval(value, clusteredError(influence));
}

/** Mean of `a` minus mean of `b` over the same rows. */
export function lossDifference(a: Float64Array, b: Float64Array, clusters: Int32Array): Estimate {
  let value = 0;
  for (let row = 0; row < a.length; row++) value += (a[row] - b[row]) / a.length;
  const influence = new Float64Array(clusterCount(clusters));
  for (let row = 0; row < a.length; row++) influence[clusters[row]] += (a[row] - b[row] - value) / a.length;
  return interval(value, clusteredError(influence));
}

const clusteredError = (influence: Float64Array): number =>
  Math.sqrt(
    influence.reduce((sum, x) => sum + x * x, 0) *
      (influence.length > 1 ? influence.length / (influence.length - 1) : 1),
  );
