/**
 * The best split of a node from its histogram. With G and H the sums of first and second derivatives of the loss, a set of rows at
 * its best value lowers the loss by G^2 / (2 (H + l2)); the gain of a split is what its two sides lower it by more than the node
 * (T. Chen, C. Guestrin: XGBoost, KDD 2016, equation 7, without the constant factor 1/2).
 */
import type { Feature, TreeOptions } from './contract.ts';

export interface Split {
  feature: number;
  gain: number;
  goesLeft: Uint8Array;
}

/** Gains below this are rounding. */
const MIN_GAIN = 1e-9;

/**
 * @param histogram [bins of all features, 2]: sums of first and second derivatives
 * @param offsets [F] the first bin of each feature
 * @returns undefined where no split has a gain and children of the minimum weight; of equal gains the first feature's
 */
export function bestSplit(
  histogram: Float64Array,
  features: readonly Feature[],
  offsets: Int32Array,
  [sumG, sumH]: readonly [number, number],
  options: TreeOptions,
): Split | undefined {
  let best: Split | undefined;
  for (const [f, feature] of features.entries()) {
    const own = histogram.subarray(2 * offsets[f], 2 * (offsets[f] + feature.bins));
    const node = { histogram: own, sumG, sumH, options };
    const found = feature.kind === 'ordered' ? byThreshold(node) : bySet(node);
    if (found !== undefined && found.gain > (best?.gain ?? MIN_GAIN)) best = { feature: f, ...found };
  }
  return best;
}

interface NodeBins {
  histogram: Float64Array;
  sumG: number;
  sumH: number;
  options: TreeOptions;
}

type Found = Omit<Split, 'feature'>;

/** Every threshold, missing values on either side. */
function byThreshold(node: NodeBins): Found | undefined {
  const bins = node.histogram.length / 2;
  const order = Array.from({ length: bins - 1 }, (_, i) => i + 1);
  const missing = node.histogram[1] > 0;
  const right = bestPrefix(node, order, node.options.l2);
  if (!missing) return right;
  // Missing values on the left: the order starts with their bin.
  const left = bestPrefix(node, [0, ...order], node.options.l2);
  return left !== undefined && left.gain > (right?.gain ?? 0) ? left : right;
}

/** Steadies the order of rare categories. */
const SMOOTHING = 10;

/**
 * Categories in the order of their mean derivative, cut in two: the best of all sets for a convex loss (W. D. Fisher, 1958), up to
 * the smoothing of the order.
 */
function bySet(node: NodeBins): Found | undefined {
  const { histogram, options } = node;
  const ratio = (bin: number): number => histogram[2 * bin] / (histogram[2 * bin + 1] + SMOOTHING);
  const order = Array.from({ length: histogram.length / 2 }, (_, bin) => bin)
    .filter((bin) => histogram[2 * bin + 1] > 0)
    .sort((a, b) => ratio(a) - ratio(b) || a - b);
  return bestPrefix(node, order, options.l2 + options.categoryL2);
}

/** The best cut of bins in an order: the bins before it go left, all others right. */
function bestPrefix({ histogram, sumG, sumH, options }: NodeBins, order: number[], l2: number): Found | undefined {
  const whole = (sumG * sumG) / (sumH + l2);
  let leftG = 0;
  let leftH = 0;
  let gain = 0;
  let length = 0;
  for (let i = 0; i < order.length; i++) {
    const bin = order[i];
    leftG += histogram[2 * bin];
    leftH += histogram[2 * bin + 1];
    const rightG = sumG - leftG;
    const rightH = sumH - leftH;
    if (leftH < options.minChildWeight) continue;
    if (rightH < options.minChildWeight) break;
    const found = (leftG * leftG) / (leftH + l2) + (rightG * rightG) / (rightH + l2) - whole;
    if (found <= gain) continue;
    gain = found;
    length = i + 1;
  }
  if (length === 0) return undefined;
  const goesLeft = new Uint8Array(histogram.length / 2);
  for (const bin of order.slice(0, length)) goesLeft[bin] = 1;
  return { gain, goesLeft };
}
