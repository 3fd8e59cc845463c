/**
 * Gradient boosting for the logistic loss (J. Friedman: Greedy Function Approximation, 2001) with second derivatives, until the log
 * loss of validation rows no longer falls. A function of its input alone.
 */
import { sigmoid, softplus } from '../../evaluate/index.ts';
import { type Feature, leafOf, type Tree, type TreeOptions } from './contract.ts';
import { type Derivatives, growTree } from './grow.ts';

export interface BinnedRows {
  rows: number;
  /** [N, F] */
  bins: Uint8Array;
  /** [N]: 0, 1, or NaN for a row that does not count. */
  labels: ArrayLike<number>;
  /** [N] */
  weight: ArrayLike<number>;
}

export interface BoostOptions extends TreeOptions {
  /** At most. */
  trees: number;
  /** Trees without a lower validation loss before it stops. */
  patience: number;
}

export const BOOST_DEFAULTS: BoostOptions = {
  trees: 400,
  patience: 15,
  leaves: 31,
  learningRate: 0.1,
  l2: 1,
  categoryL2: 10,
  minChildWeight: 5,
};

export interface Forest {
  /** Logit before the first tree. */
  base: number;
  trees: Tree[];
  width: number;
}

/** @param validation without labelled rows, a quarter of `trees` are grown and all stay */
export function boost(
  features: readonly Feature[],
  train: BinnedRows,
  validation: BinnedRows,
  options: BoostOptions = BOOST_DEFAULTS,
): Forest {
  const rows = labelled(train);
  const watched = labelled(validation);
  const width = features.length;
  const base = meanLogit(train, rows);
  const forest: Forest = { base, trees: [], width };
  const logits = new Float64Array(train.rows).fill(base);
  const ahead = new Float64Array(validation.rows).fill(base);
  const derivatives = { first: new Float64Array(train.rows), second: new Float64Array(train.rows) };
  const most = watched.length > 0 ? options.trees : Math.ceil(options.trees / 4);
  let best = { loss: meanLoss(validation, watched, ahead), trees: 0 };
  for (let n = 1; n <= most; n++) {
    derive(train, rows, logits, derivatives);
    const { tree, leaves } = growTree(train.bins, features, rows, derivatives, options);
    forest.trees.push(tree);
    if (leaves.length === 1) break; // nothing left to gain
    for (const { from, to, value } of leaves) for (let i = from; i < to; i++) logits[rows[i]] += value;
    for (const row of watched) ahead[row] += tree.value[leafOf(tree, validation.bins, row, width)];
    const loss = meanLoss(validation, watched, ahead);
    if (loss < best.loss) best = { loss, trees: n };
    else if (watched.length > 0 && n - best.trees >= options.patience) break;
  }
  return watched.length > 0 ? { ...forest, trees: forest.trees.slice(0, best.trees) } : forest;
}

/** Logit of a row of `bins` [N, F]. */
export function forestLogit({ base, trees, width }: Forest, bins: Uint8Array, row: number): number {
  let logit = base;
  for (const tree of trees) logit += tree.value[leafOf(tree, bins, row, width)];
  return logit;
}

const labelled = ({ rows, labels }: BinnedRows): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => row).filter((row) => !Number.isNaN(labels[row]));

/** Of half a row more in each class: finite where one is empty. */
function meanLogit({ labels, weight }: BinnedRows, rows: Int32Array): number {
  let [positive, all] = [0.5, 1];
  for (const row of rows) {
    positive += weight[row] * labels[row];
    all += weight[row];
  }
  return Math.log(positive / (all - positive));
}

function derive({ labels, weight }: BinnedRows, rows: Int32Array, logits: Float64Array, into: Derivatives): void {
  for (const row of rows) {
    const p = sigmoid(logits[row]);
    into.first[row] = weight[row] * (p - labels[row]);
    into.second[row] = weight[row] * p * (1 - p);
  }
}

/** Mean logistic loss. */
function meanLoss({ labels }: BinnedRows, rows: Int32Array, logits: Float64Array): number {
  let sum = 0;
  for (const row of rows) {
    sum += softplus(labels[row] === 1 ? -logits[row] : logits[row]);
  }
  return sum / rows.length;
}
