/**
 * What a policy that did not serve would have brought. Every estimator is a function of means over rows, so one bootstrap serves all.
 * Definitions follow Open Bandit Pipeline (Y. Saito, S. Aihara, M. Matsutani, Y. Narita: Open Bandit Dataset and Pipeline, NeurIPS 2021).
 */
import { mean, sum } from '../../base/numbers.ts';
import { random } from '../../base/random.ts';
import { normalBelow, normalQuantile } from '../significance/distributions.ts';

export interface Estimator {
  /** [column][row] numbers of which the means are taken. */
  columns: readonly ArrayLike<number>[];
  /** The policy's value from the columns' means. */
  value(means: readonly number[]): number;
}

/** A mean of one column. */
export const meanEstimator = (column: ArrayLike<number>): Estimator => ({
  columns: [column],
  value: ([mean]) => mean,
});

/** A quotient of the means of two columns. */
export const quotientEstimator = (above: ArrayLike<number>, below: ArrayLike<number>): Estimator => ({
  columns: [above, below],
  value: ([a, b]) => a / b,
});

export const estimate = ({ columns, value }: Estimator): number =>
  value(columns.map((column) => sum(column) / column.length));

export interface Interval {
  estimate: number;
  /** Standard deviation of the bootstrap's estimates. */
  se: number;
  low: number;
  high: number;
}

export interface BootstrapOptions {
  /** Default 1000. */
  resamples?: number;
  /** Default 1. */
  seed?: number;
  /** Default 0.95. */
  confidence?: number;
}

/**
 * Intervals by a bootstrap over units: rows of one user are no independent rows, so users are drawn with all their rows (A. C. Davison,
 * D. V. Hinkley: Bootstrap Methods and their Application, 1997). All estimators see the same draws. The ends are bias-corrected and
 * accelerated percentiles (BCa: B. Efron, Better bootstrap confidence intervals, JASA 82 (1987)): rewards times weights are skewed, and
 * plain percentiles of a few large weights end too low.
 *
 * @param units unit of each row
 */
export function bootstrapIntervals<K extends string>(
  estimators: Readonly<Record<K, Estimator>>,
  units: readonly (string | number)[],
  { resamples = 1000, seed = 1, confidence = 0.95 }: BootstrapOptions = {},
): Record<K, Interval> {
  const names = Object.keys(estimators) as K[];
  const columns = names.flatMap((name) => [...estimators[name].columns]);
  const { sums, rows } = sumsByUnit(columns, units);
  const draws = names.map(() => new Float64Array(resamples));
  const starts = Object.fromEntries(
    names.map((name, n) => [name, sum(names.slice(0, n).map((k) => estimators[k].columns.length))]),
  );
  const all = { rows: sum(rows), totals: columns.map((column) => sum(column)) };
  /** The value without the rows of each unit in turn. */
  const withoutEach = (name: K): number[] => {
    const { columns: own, value } = estimators[name];
    const at = own.map((_, c) => starts[name] + c);
    return rows.map((n, unit) =>
      value(at.map((c) => (all.totals[c] - sums[unit * columns.length + c]) / (all.rows - n))),
    );
  };
  const totals = new Float64Array(columns.length);
  for (let i = 0; i < resamples; i++) {
    const generator = random('replay-bootstrap', seed, i);
    totals.fill(0);
    let drawn = 0;
    for (let k = 0; k < rows.length; k++) {
      const unit = generator.below(rows.length);
      drawn += rows[unit];
      for (let c = 0; c < totals.length; c++) totals[c] += sums[unit * totals.length + c];
    }
    let from = 0;
    names.forEach((name, n) => {
      const { columns: own, value } = estimators[name];
      draws[n][i] = value(own.map((_, c) => totals[from + c] / drawn));
      from += own.length;
    });
  }
  return Object.fromEntries(
    names.map((name, n) => {
      const found = estimate(estimators[name]);
      return [name, { estimate: found, ...spread(draws[n], found, withoutEach(name), confidence) }];
    }),
  ) as Record<K, Interval>;
}

/** Sums [unit x column] and numbers of rows of each unit. */
function sumsByUnit(
  columns: readonly ArrayLike<number>[],
  units: readonly (string | number)[],
): { sums: Float64Array; rows: number[] } {
  const numbers = new Map<string | number, number>();
  const unitOf = units.map((unit) => {
    const number = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, number);
    return number;
  });
  const sums = new Float64Array(numbers.size * columns.length);
  const rows = new Array<number>(numbers.size).fill(0);
  unitOf.forEach((unit, row) => {
    rows[unit]++;
    columns.forEach((column, c) => {
      sums[unit * columns.length + c] += column[row];
    });
  });
  return { sums, rows };
}

/** Standard deviation and ends of draws; draws that are not numbers (nothing to divide by) are left out. */
function spread(
  draws: Float64Array,
  found: number,
  withoutEach: readonly number[],
  confidence: number,
): Omit<Interval, 'estimate'> {
  const sorted = draws.filter(Number.isFinite).sort();
  const n = sorted.length;
  if (n < 2) return { se: Number.NaN, low: Number.NaN, high: Number.NaN };
  const middle = mean(sorted);
  const se = Math.sqrt(sorted.reduce((all, x) => all + (x - middle) ** 2, 0) / (n - 1));
  const shift = biasOf(sorted, found);
  const acceleration = accelerationOf(withoutEach.filter(Number.isFinite));
  const end = (p: number): number => {
    const z = shift + normalQuantile(p);
    return quantile(sorted, normalBelow(shift + z / (1 - acceleration * z)));
  };
  return { se, low: end((1 - confidence) / 2), high: end((1 + confidence) / 2) };
}

/** z0: the normal quantile of the share of draws below the estimate, equal ones half. */
function biasOf(sorted: Float64Array, found: number): number {
  const below = sorted.filter((x) => x < found).length + sorted.filter((x) => x === found).length / 2;
  const least = 1 / (2 * sorted.length);
  return normalQuantile(Math.min(Math.max(below / sorted.length, least), 1 - least));
}

/** a: a sixth of the skewness of the jackknife's influences. */
function accelerationOf(withoutEach: readonly number[]): number {
  const middle = mean(withoutEach);
  const squares = sum(withoutEach.map((x) => (middle - x) ** 2));
  return squares === 0 ? 0 : sum(withoutEach.map((x) => (middle - x) ** 3)) / (6 * squares ** 1.5);
}

function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}
