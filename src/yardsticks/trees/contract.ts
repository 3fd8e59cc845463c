/** Words of gradient-boosted trees: rows as small numbers, trees as arrays. */

/**
 * A feature of binned rows. `ordered`: bin 0 holds missing values, bins 1 and on rise with the value. `categorical`: a bin for each
 * category, without an order.
 */
export interface Feature {
  name: string;
  kind: 'ordered' | 'categorical';
  /** At most 256. */
  bins: number;
}

export interface Tree {
  /** Feature of each node; -1 at a leaf. */
  feature: number[];
  /** [nodes][bins] 1 for bins that go to the left child; empty at a leaf. */
  goesLeft: Uint8Array[];
  left: number[];
  right: number[];
  /** What a leaf adds to the logit. */
  value: number[];
}

export interface TreeOptions {
  /** Leaves of a tree at most. */
  leaves: number;
  learningRate: number;
  /** L2 penalty of leaf values. */
  l2: number;
  /** Added to `l2` where categories are split into two sets, which has more choices than a threshold. */
  categoryL2: number;
  /** Sum of second derivatives that each child needs. */
  minChildWeight: number;
}

/** The leaf that a row falls into. `bins` [N, F], row `row`. */
export function leafOf({ feature, goesLeft, left, right }: Tree, bins: Uint8Array, row: number, width: number): number {
  let node = 0;
  while (feature[node] >= 0) node = goesLeft[node][bins[row * width + feature[node]]] === 1 ? left[node] : right[node];
  return node;
}
