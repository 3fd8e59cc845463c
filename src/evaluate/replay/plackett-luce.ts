/**
 * Plackett-Luce: a random order in which each next item is drawn in proportion to exp(score / temperature) among those left.
 * R. D. Luce: Individual Choice Behavior, 1959; R. L. Plackett: The analysis of permutations, Applied Statistics 24 (1975).
 */
import { random } from '../../base/random.ts';

export interface OrderPropensity {
  /** Chance of each item among those left when it was drawn. */
  steps: number[];
  /** Chance of the order up to each position: what RIPS and cascade estimators weigh with. */
  cascade: number[];
  /** ln of them. */
  logCascade: number[];
  /** Chance of the whole order. */
  joint: number;
  /** ln of it: the joint of a long list is smaller than any number. */
  logJoint: number;
}

/**
 * Chance of an order, or of its beginning.
 *
 * @param order positions in `scores` of the items shown, from the top
 */
export function orderPropensity(scores: readonly number[], order: readonly number[], temperature = 1): OrderPropensity {
  const utilities = scores.map((score) => score / temperature);
  const left = new Set(utilities.keys());
  for (const item of order)
    if (!left.delete(item))
      throw new RangeError(`item ${item} is not among ${scores.length} items or was shown before`);
  // From the end: what was left at a position is what is left after it, and its own item.
  let after = logSumExp([...left].map((i) => utilities[i]));
  const logSteps = new Array<number>(order.length);
  for (let position = order.length - 1; position >= 0; position--) {
    const own = utilities[order[position]];
    after = logAddExp(after, own);
    logSteps[position] = Math.min(own - after, 0);
  }
  let sum = 0;
  const logCascade = logSteps.map((step) => {
    sum += step;
    return sum;
  });
  const [steps, cascade] = [logSteps, logCascade].map((logs) => logs.map(Math.exp));
  return { steps, cascade, logCascade, joint: Math.exp(sum), logJoint: sum };
}

function logSumExp(values: readonly number[]): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) largest = Math.max(largest, value);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** ln(exp(a) + exp(b)) */
function logAddExp(a: number, b: number): number {
  const [less, more] = a < b ? [a, b] : [b, a];
  return more + Math.log1p(Math.exp(less - more));
}

/** Items beyond which exact marginals would take too long: the work doubles with each. */
const MARGINAL_ITEMS = 16;

/**
 * Chance of each item at each of the first positions, exactly: [item][position]. Sums over the sets of items that may stand above, so
 * for short lists alone.
 */
export function orderMarginals(scores: readonly number[], positions = scores.length, temperature = 1): number[][] {
  const n = scores.length;
  if (n > MARGINAL_ITEMS)
    throw new RangeError(
      `exact marginals are for up to ${MARGINAL_ITEMS} items, found ${n}: log the propensities of prefixes`,
    );
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp((score - largest) / temperature));
  const out = scores.map(() => new Array<number>(positions).fill(0));
  const all = 2 ** n - 1;
  // Of sets of items, as bits: the sum of their weights, their size, and the chance to be the first ones.
  const sums = new Float64Array(all + 1);
  const sizes = new Uint8Array(all + 1);
  const chances = new Float64Array(all + 1);
  for (let set = 1; set <= all; set++) {
    const rest = set & (set - 1);
    sums[set] = sums[rest] + weights[31 - Math.clz32(set ^ rest)];
    sizes[set] = sizes[rest] + 1;
  }
  chances[0] = 1;
  // A set is a smaller number than each set that it is a part of.
  for (let set = 0; set < all; set++) {
    const position = sizes[set];
    if (position >= positions) continue;
    const share = chances[set] / sums[all ^ set];
    for (let i = 0; i < n; i++) {
      if (set & (1 << i)) continue;
      const step = share * weights[i];
      out[i][position] += step;
      chances[set | (1 << i)] += step;
    }
  }
  return out;
}

/**
 * Draws the first items of an order (Gumbel top-k: sorting by score / temperature plus Gumbel noise is the same as drawing one after
 * another). Equal seeds draw the same order on every machine, so a logged draw can be repeated.
 */
export function drawOrder(
  scores: readonly number[],
  positions: number,
  { temperature = 1, seed }: { temperature?: number; seed: string | number },
): number[] {
  const generator = random('plackett-luce', seed);
  const keys = scores.map((score) => score / temperature - Math.log(-Math.log(positive(generator.uniform()))));
  const order = keys.map((_, i) => i).sort((i, j) => keys[j] - keys[i] || i - j);
  return order.slice(0, positions);
}

const positive = (uniform: number): number => Math.max(uniform, Number.MIN_VALUE);
