/**
 * Metrics of a cell as means over rows that depend on each other within groups: DeLong's placements of an AUC, or losses of rows, summed
 * by group (N. A. Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997).
 */
import { softplus } from './logloss.ts';
import { placements } from './significance/delong.ts';
import { normalCritical } from './significance/distributions.ts';

/** Labelled rows of a scenario and task. */
export interface LabelledCell {
  /** Positions among all rows. */
  rows: Int32Array;
  /** Labels of these rows, 0 or 1. */
  labels: Uint8Array;
}

/** Which group each row belongs to. */
export interface RowGroups {
  /** [N] number of each row's group, below `groups`. */
  group: Int32Array;
  groups: number;
}

export const CLUSTERED_METRICS = ['auc', 'logloss'] as const;

export type ClusteredMetric = (typeof CLUSTERED_METRICS)[number];

/** A metric of a cell, and the influence of each of its rows on it: the variance of `value` is about the sum of their squares. */
interface RowInfluence {
  value: number;
  influence: Float64Array;
}

/**
 * AUC and log loss of a cell by its rows. Undefined where a class has fewer than two rows.
 *
 * @param logits [N] of all rows
 */
export function rowInfluence(
  { rows, labels }: LabelledCell,
  logits: ArrayLike<number>,
): Record<ClusteredMetric, RowInfluence> | undefined {
  const own = Float64Array.from(rows, (row) => logits[row]);
  const placed = placements(own, labels);
  if (placed === undefined || placed.positives.length < 2 || placed.negatives.length < 2) return undefined;
  const losses = own.map((logit, i) => softplus(logit) - labels[i] * logit);
  const loss = losses.reduce((sum, x) => sum + x, 0) / losses.length;
  const next = [0, 0];
  return {
    auc: {
      value: placed.auc,
      influence: Float64Array.from(labels, (label) => {
        const of = label === 1 ? placed.positives : placed.negatives;
        return (of[next[label]++] - placed.auc) / of.length;
      }),
    },
    logloss: { value: loss, influence: losses.map((x) => (x - loss) / losses.length) },
  };
}

/** A mean, and the influence of each group on it. */
export interface ClusteredMean {
  value: number;
  /** [G] */
  influence: Float64Array;
}

/** Metrics with the logits `a` minus those with `b`. Undefined where a class has fewer than two rows. */
export function pairedDifference(
  cell: LabelledCell,
  [a, b]: readonly [ArrayLike<number>, ArrayLike<number>],
  { group, groups }: RowGroups,
): Record<ClusteredMetric, ClusteredMean> | undefined {
  const [own, other] = [rowInfluence(cell, a), rowInfluence(cell, b)];
  if (own === undefined || other === undefined) return undefined;
  const difference = (metric: ClusteredMetric): ClusteredMean => {
    const influence = new Float64Array(groups);
    cell.rows.forEach((row, i) => {
      influence[group[row]] += own[metric].influence[i] - other[metric].influence[i];
    });
    return { value: own[metric].value - other[metric].value, influence };
  };
  return { auc: difference('auc'), logloss: difference('logloss') };
}

/** Mean over cells with weights above 0. */
export function meanOverCells(cells: readonly ClusteredMean[], weights: readonly number[]): ClusteredMean {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const influence = new Float64Array(cells[0].influence.length);
  cells.forEach((cell, c) => {
    for (let g = 0; g < influence.length; g++) influence[g] += (weights[c] / total) * cell.influence[g];
  });
  return { value: cells.reduce((sum, { value }, c) => sum + (weights[c] / total) * value, 0), influence };
}

export interface Effect {
  value: number;
  standardError: number;
  /** 95 % interval by the normal distribution. */
  low: number;
  high: number;
}

/** The interval of a mean whose groups are independent. */
export function effectOf({ value, influence }: ClusteredMean): Effect {
  const involved = influence.filter((x) => x !== 0);
  const center = involved.reduce((sum, x) => sum + x, 0) / Math.max(1, involved.length);
  const squares = involved.reduce((sum, x) => sum + (x - center) ** 2, 0);
  const standardError = Math.sqrt((squares * involved.length) / Math.max(1, involved.length - 1));
  const half = normalCritical(0.05) * standardError;
  return { value, standardError, low: value - half, high: value + half };
}
