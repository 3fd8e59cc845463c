/**
 * What a policy that did not serve would have brought. Every estimator is a function of means over rows, so one bootstrap serves all.
 * Definitions follow Open Bandit Pipeline (Y. Saito, S. Aihara, M. Matsutani, Y. Narita: Open Bandit Dataset and Pipeline, NeurIPS 2021).
 */
import { sum } from '../../base/numbers.ts';
import { random } from '../../base/random.ts';

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
 * Percentile intervals by a bootstrap over units: rows of one user are no independent rows, so users are drawn with all their rows
 * (A. C. Davison, D. V. Hinkley: Bootstrap Methods and their Application, 1997). All estimators see the same draws.
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
    names.map((name, n) => [name, { estimate: estimate(estimators[name]), ...spread(draws[n], confidence) }]),
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

/** Standard deviation and percentiles of draws; draws that are not numbers (nothing to divide by) are left out. */
function spread(draws: Float64Array, confidence: number): Omit<Interval, 'estimate'> {
  const sorted = draws.filter(Number.isFinite).sort();
  const n = sorted.length;
  if (n < 2) return { se: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = sum(sorted) / n;
  const se = Math.sqrt(sorted.reduce((all, x) => all + (x - mean) ** 2, 0) / (n - 1));
  return { se, low: quantile(sorted, (1 - confidence) / 2), high: quantile(sorted, (1 + confidence) / 2) };
}

function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}
