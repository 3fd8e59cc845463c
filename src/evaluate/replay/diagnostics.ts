/** Can a log say anything about a policy? Asked before any estimate is shown. */
import { mean } from '../../base/numbers.ts';

export interface DiagnosticsInput {
  /** Judged over logged propensity, row by row. */
  weights: readonly number[];
  /** Logged propensities of the same rows. */
  propensities: readonly number[];
  /** Unit of each row. */
  units: readonly (string | number)[];
  /** For each row, how much of what the judged policy does the logging policy can do, too: 1 for all. Default 1. */
  support?: readonly number[];
}

export interface Diagnostics {
  rows: number;
  units: number;
  /** Mean weight, 1 where propensities are right and nothing lacks support, and its standard error over units. */
  meanWeight: number;
  seWeight: number;
  /** (sum of w)^2 / sum of w^2: rows of equal weight that would be as certain. */
  effectiveRows: number;
  largestWeight: number;
  /** 1 without rows. */
  smallestPropensity: number;
  /** Mean of `support`. */
  support: number;
  /** Share of rows whose outcome was certain. */
  deterministic: number;
}

export function diagnose({ weights, propensities, units, support }: DiagnosticsInput): Diagnostics {
  const rows = weights.length;
  const byUnit = new Map<string | number, { weight: number; rows: number }>();
  weights.forEach((w, i) => {
    const one = byUnit.get(units[i]) ?? { weight: 0, rows: 0 };
    byUnit.set(units[i], { weight: one.weight + w, rows: one.rows + 1 });
  });
  const meanWeight = mean(weights);
  const clusters = [...byUnit.values()];
  const squares = clusters.reduce((sum, one) => sum + (one.weight - meanWeight * one.rows) ** 2, 0);
  return {
    rows,
    units: clusters.length,
    meanWeight,
    seWeight: Math.sqrt((squares * clusters.length) / Math.max(clusters.length - 1, 1)) / rows,
    effectiveRows: effectiveRows(weights),
    largestWeight: weights.reduce((largest, w) => Math.max(largest, w), 0),
    smallestPropensity: propensities.reduce((smallest, p) => Math.min(smallest, p), 1),
    support: support === undefined ? 1 : mean(support),
    deterministic: propensities.filter((p) => p === 1).length / rows,
  };
}

/** Kish's effective number of rows; 0 where all weights are 0. */
export function effectiveRows(weights: readonly number[]): number {
  const total = weights.reduce((sum, w) => sum + w, 0);
  return total === 0 ? 0 : total ** 2 / weights.reduce((sum, w) => sum + w ** 2, 0);
}

/** Bounds of a usable log. */
const MINIMUM_EFFECTIVE_ROWS = 100;
const MINIMUM_SUPPORT = 0.95;
const MAXIMUM_DEVIATION = 4;

/** Why no estimate is made. */
export interface Refusal {
  code: 'no-rows' | 'deterministic' | 'support' | 'mean-weight' | 'effective-rows';
  /** What was found, and what is needed. */
  reason: string;
}

/** Empty where there is no reason to refuse. */
export function replayRefusals(d: Diagnostics): Refusal[] {
  const off = Math.abs(d.meanWeight - 1);
  const rules: [Refusal['code'], boolean, string][] = [
    ['no-rows', d.rows === 0, 'the log has no rows'],
    [
      'deterministic',
      d.deterministic === 1,
      'the logging policy was deterministic, so nothing is known of other orders: serve a share of requests with exploration',
    ],
    [
      'support',
      d.support < MINIMUM_SUPPORT,
      `the logging policy could do ${percent(d.support)} of what the judged policy does, at least ${percent(MINIMUM_SUPPORT)} are needed: explore more, or judge a policy closer to it`,
    ],
    [
      'mean-weight',
      off > MAXIMUM_DEVIATION * d.seWeight && off > 1e-9,
      `the mean weight is ${short(d.meanWeight)}, ${short(off / d.seWeight)} standard errors from 1: the logged propensities are not those the policy served with`,
    ],
    [
      'effective-rows',
      d.effectiveRows < MINIMUM_EFFECTIVE_ROWS,
      `${d.rows} rows count as ${short(d.effectiveRows)}, at least ${MINIMUM_EFFECTIVE_ROWS} are needed: the largest weight is ${short(d.largestWeight)}; log more, or judge a policy closer to it`,
    ],
  ];
  return rules.filter(([, holds]) => holds).map(([code, , reason]) => ({ code, reason }));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const short = (x: number): string => String(Number(x.toPrecision(3)));
