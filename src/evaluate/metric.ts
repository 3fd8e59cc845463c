import type { Metric } from './grid.ts';

/** Why a metric has no value: one text per cause, so that reports can gather the cells it concerns. */
export const REASONS = {
  noRows: 'no row has a label',
  noPositives: 'all labels are 0',
  noNegatives: 'all labels are 1',
  noGroupKey: 'the data set has no group key',
  noMixedGroup: 'no group has both a 0 and a 1',
  noPositiveGroup: 'no group has a 1',
  notANumber: 'some scores are not a number',
  noCell: 'it is undefined in every cell that counts',
} as const;

export const value = (of: number): Metric => ({ value: of });
export const missing = (reason: string): Metric => ({ undefined: reason });

/** The number, or null where the metric is undefined. */
export const numberOf = (metric: Metric): number | null => ('value' in metric ? metric.value : null);

/** `of()` if there are rows. */
export const overRows = (rows: number, of: () => number): Metric =>
  rows === 0 ? missing(REASONS.noRows) : value(of());
