/**
 * Grows one tree on histograms, best leaf first (G. Ke et al.: LightGBM, NeurIPS 2017). The histogram of the larger child is that of
 * its parent minus that of the smaller one.
 */
import type { Feature, Tree, TreeOptions } from './contract.ts';
import { bestSplit, type Split } from './split.ts';

export interface Derivatives {
  /** [N] of the loss by the logit, times the row's weight. */
  first: Float64Array;
  second: Float64Array;
}

interface Leaf {
  node: number;
  /** Its rows are rows[from .. to). */
  from: number;
  to: number;
  histogram: Float64Array;
  sums: readonly [number, number];
  split?: Split;
}

export interface Grown {
  tree: Tree;
  /** Rows of each leaf: rows[from .. to) add `value` to their logits. */
  leaves: { from: number; to: number; value: number }[];
}

/**
 * @param bins [N, F]
 * @param rows which of them the tree is grown on; reordered in place, leaf by leaf
 */
export function growTree(
  bins: Uint8Array,
  features: readonly Feature[],
  rows: Int32Array,
  derivatives: Derivatives,
  options: TreeOptions,
): Grown {
  const offsets = offsetsOf(features);
  const shape = { bins, width: features.length, offsets, size: totalBins(features) };
  const spare = new Int32Array(rows.length);
  const tree: Tree = { feature: [], goesLeft: [], left: [], right: [], value: [] };
  const addNode = (): number => {
    tree.goesLeft.push(new Uint8Array());
    tree.left.push(-1);
    tree.right.push(-1);
    tree.value.push(0);
    return tree.feature.push(-1) - 1;
  };
  const withSplit = (leaf: Leaf): Leaf => ({
    ...leaf,
    split: bestSplit(leaf.histogram, features, offsets, leaf.sums, options),
  });
  const leafOver = (from: number, to: number, histogram: Float64Array): Leaf => ({
    node: addNode(),
    from,
    to,
    histogram,
    sums: sumsOf(rows, from, to, derivatives),
  });

  const leaves = [withSplit(leafOver(0, rows.length, histogramOf(rows, 0, rows.length, derivatives, shape)))];
  while (leaves.length < options.leaves) {
    const at = indexOfBest(leaves);
    if (at < 0) break;
    const { node, from, to, histogram, split } = leaves[at] as Leaf & { split: Split };
    const middle = partition(rows, from, to, spare, (row) => split.goesLeft[bins[row * shape.width + split.feature]]);
    const isLeftSmaller = middle - from <= to - middle;
    const smaller = isLeftSmaller
      ? histogramOf(rows, from, middle, derivatives, shape)
      : histogramOf(rows, middle, to, derivatives, shape);
    for (let i = 0; i < histogram.length; i++) histogram[i] -= smaller[i];
    const left = leafOver(from, middle, isLeftSmaller ? smaller : histogram);
    const right = leafOver(middle, to, isLeftSmaller ? histogram : smaller);
    tree.feature[node] = split.feature;
    tree.goesLeft[node] = split.goesLeft;
    [tree.left[node], tree.right[node]] = [left.node, right.node];
    leaves.splice(at, 1, withSplit(left), withSplit(right));
  }
  const { learningRate, l2 } = options;
  return {
    tree,
    leaves: leaves.map(({ node, from, to, sums: [g, h] }) => {
      const value = (-learningRate * g) / (h + l2);
      tree.value[node] = value;
      return { from, to, value };
    }),
  };
}

const totalBins = (features: readonly Feature[]): number => features.reduce((sum, { bins }) => sum + bins, 0);

function offsetsOf(features: readonly Feature[]): Int32Array {
  const offsets = new Int32Array(features.length);
  for (let f = 1; f < features.length; f++) offsets[f] = offsets[f - 1] + features[f - 1].bins;
  return offsets;
}

/** The leaf whose split gains most, the first of equal ones; -1 where no leaf has a split. */
function indexOfBest(leaves: readonly Leaf[]): number {
  let best = -1;
  for (const [i, { split }] of leaves.entries())
    if (split !== undefined && split.gain > (leaves[best]?.split?.gain ?? 0)) best = i;
  return best;
}

interface Shape {
  bins: Uint8Array;
  width: number;
  offsets: Int32Array;
  /** Bins of all features. */
  size: number;
}

/** [size, 2] sums of derivatives by bin. Nearly all time is spent here, so nothing is allocated per row. */
function histogramOf(
  rows: Int32Array,
  from: number,
  to: number,
  { first, second }: Derivatives,
  { bins, width, offsets, size }: Shape,
): Float64Array {
  const sums = new Float64Array(2 * size);
  for (let i = from; i < to; i++) {
    const row = rows[i];
    const g = first[row];
    const h = second[row];
    const start = row * width;
    for (let f = 0; f < width; f++) {
      const at = 2 * (offsets[f] + bins[start + f]);
      sums[at] += g;
      sums[at + 1] += h;
    }
  }
  return sums;
}

function sumsOf(rows: Int32Array, from: number, to: number, { first, second }: Derivatives): [number, number] {
  let g = 0;
  let h = 0;
  for (let i = from; i < to; i++) {
    g += first[rows[i]];
    h += second[rows[i]];
  }
  return [g, h];
}

/** Moves the rows that go left to the front, each side in its order; returns where the right side starts. */
function partition(
  rows: Int32Array,
  from: number,
  to: number,
  spare: Int32Array,
  goesLeft: (row: number) => number,
): number {
  let left = from;
  let right = 0;
  for (let i = from; i < to; i++) {
    const row = rows[i];
    if (goesLeft(row) === 1) rows[left++] = row;
    else spare[right++] = row;
  }
  rows.set(spare.subarray(0, right), left);
  return left;
}
