/**
 * Permutation importance: how much worse a cell is ranked when the values of a field are shuffled among the rows (L. Breiman: Random
 * forests, Machine Learning 45, 2001, section 10; as "model reliance" A. Fisher, C. Rudin, F. Dominici: All models are wrong, but many
 * are useful, JMLR 20, 2019).
 *
 * The interval holds the model as given and takes the rows as drawn, whole groups at a time. A row has a part in the change of a metric
 * twice: it is scored with another row's value, and its own value scores another row (the two projections of a U-statistic of order 2).
 * The chance of the shuffles counts in both parts: intervals are a little too wide where few repeats leave much of it.
 */
import {
  CLUSTERED_METRICS,
  type ClusteredMean,
  type ClusteredMetric,
  type LabelledCell,
  type RowGroups,
  rowInfluence,
} from './clustered.ts';

/** Collects the repeats of one field in one cell. */
export interface CellImportance {
  /**
   * A repeat: logits [N] with the values shuffled, and `source` [N], the row that each row's value came from (a permutation of the
   * scenario's rows).
   */
  add(logits: ArrayLike<number>, source: Int32Array): void;
  /** AUC lost, and log loss gained: means over the repeats. Undefined where a class has fewer than two rows. */
  finish(): Record<ClusteredMetric, ClusteredMean> | undefined;
}

/** @param logits [N] of the rows as they are */
export function cellImportance(
  cell: LabelledCell,
  logits: ArrayLike<number>,
  { group, groups }: RowGroups,
): CellImportance {
  const base = rowInfluence(cell, logits);
  const sums = { auc: new Float64Array(groups), logloss: new Float64Array(groups) };
  const values = { auc: 0, logloss: 0 };
  let repeats = 0;
  return {
    add(shuffled, source) {
      const parts = base && rowInfluence(cell, shuffled);
      if (base === undefined || parts === undefined) return;
      repeats++;
      for (const metric of CLUSTERED_METRICS) {
        values[metric] += base[metric].value - parts[metric].value;
        cell.rows.forEach((row, i) => {
          const change = base[metric].influence[i] - parts[metric].influence[i];
          sums[metric][group[row]] += change;
          sums[metric][group[source[row]]] += change;
        });
      }
    },
    finish() {
      if (repeats === 0) return undefined;
      const meanOf = (metric: ClusteredMetric, sign: 1 | -1): ClusteredMean => ({
        value: (sign * values[metric]) / repeats,
        influence: sums[metric].map((sum) => (sign * sum) / repeats),
      });
      return { auc: meanOf('auc', 1), logloss: meanOf('logloss', -1) };
    },
  };
}
