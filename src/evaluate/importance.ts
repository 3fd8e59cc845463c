/**
 * Permutation importance: how much worse a cell is ranked when the values of a field are shuffled among the rows (L. Breiman: Random
 * forests, Machine Learning 45, 2001, section 10; as "model reliance" A. Fisher, C. Rudin, F. Dominici: All models are wrong, but many
 * are useful, JMLR 20, 2019).
 *
 * The interval holds the model as given and takes the rows as drawn, whole groups at a time. A row has a part in the change of a metric
 * twice: it is scored with another row's value, and its own value scores another row (the two projections of a U-statistic of order 2).
 * Both parts come from DeLong's placements (AUC) or from row losses; they are summed by group, so that rows of a group may depend on
 * each other (N. A. Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997). The chance of the shuffles
 * counts in both parts: intervals are a little too wide where few repeats leave much of it.
 */
import { softplus } from './logloss.ts';
import { placements } from './significance/delong.ts';
import { normalCritical } from './significance/distributions.ts';

/** Labelled rows of a scenario and task. */
export interface ShuffledCell {
  /** Positions among all rows. */
  rows: Int32Array;
  /** Labels of these rows, 0 or 1. */
  labels: Uint8Array;
}

/** A mean, and what each group adds to its error. */
export interface ClusteredMean {
  value: number;
  /** [G] first-order influence of each group: the variance of `value` is about the sum of their squares. */
  influence: Float64Array;
}

export interface Effect {
  value: number;
  standardError: number;
  /** 95 % interval by the normal distribution. */
  low: number;
  high: number;
}

/** Collects the repeats of one field in one cell. */
export interface CellImportance {
  /**
   * A repeat: logits [N] with the values shuffled, and `source` [N], the row that each row's value came from (a permutation of the
   * scenario's rows).
   */
  add(logits: ArrayLike<number>, source: Int32Array): void;
  /** AUC lost, and log loss gained: means over the repeats. Undefined where a class has fewer than two rows. */
  finish(): { auc: ClusteredMean; logloss: ClusteredMean } | undefined;
}

/**
 * @param logits [N] of the rows as they are
 * @param group [N] number of each row's group, below `groups`
 */
export function cellImportance(
  { rows, labels }: ShuffledCell,
  logits: ArrayLike<number>,
  { group, groups }: { group: Int32Array; groups: number },
): CellImportance {
  const base = rowParts(rows, labels, logits);
  const sums = { auc: zeros(groups), logloss: zeros(groups) };
  const values = { auc: 0, logloss: 0 };
  let repeats = 0;
  return {
    add(shuffled, source) {
      const parts = base && rowParts(rows, labels, shuffled);
      if (base === undefined || parts === undefined) return;
      repeats++;
      for (const metric of METRICS) {
        const [own, other] = [base[metric], parts[metric]];
        values[metric] += own.value - other.value;
        for (let i = 0; i < rows.length; i++) {
          const change = own.influence[i] - other.influence[i];
          sums[metric][group[rows[i]]] += change;
          sums[metric][group[source[rows[i]]]] += change;
        }
      }
    },
    finish() {
      if (repeats === 0) return undefined;
      const meanOf = (metric: (typeof METRICS)[number], sign: 1 | -1): ClusteredMean => ({
        value: (sign * values[metric]) / repeats,
        influence: sums[metric].map((sum) => (sign * sum) / repeats),
      });
      return { auc: meanOf('auc', 1), logloss: meanOf('logloss', -1) };
    },
  };
}

const METRICS = ['auc', 'logloss'] as const;

/** A metric of a cell, and the influence of each of its rows on it. */
interface RowParts {
  value: number;
  influence: Float64Array;
}

function rowParts(
  rows: Int32Array,
  labels: Uint8Array,
  logits: ArrayLike<number>,
): Record<(typeof METRICS)[number], RowParts> | undefined {
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

/** Mean over cells with weights above 0. */
export function meanOverCells(cells: readonly ClusteredMean[], weights: readonly number[]): ClusteredMean {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const influence = zeros(cells[0].influence.length);
  cells.forEach((cell, c) => {
    for (let g = 0; g < influence.length; g++) influence[g] += (weights[c] / total) * cell.influence[g];
  });
  return { value: cells.reduce((sum, { value }, c) => sum + (weights[c] / total) * value, 0), influence };
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

const zeros = (n: number): Float64Array => new Float64Array(n);
