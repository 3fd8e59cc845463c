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
  const logSteps = order.map((item) => {
    if (!left.has(item)) throw new RangeError(`item ${item} is not among ${scores.length} items or was shown before`);
    const step = utilities[item] - logSumExp([...left].map((i) => utilities[i]));
    left.delete(item);
    return step;
  });
  let sum = 0;
  const cascade = logSteps.map((step) => {
    sum += step;
    return Math.exp(sum);
  });
  return { steps: logSteps.map(Math.exp), cascade, joint: Math.exp(sum), logJoint: sum };
}

function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
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
  // Chance of each set of items, as bits, to be the first ones.
  let layer = new Map([[0, 1]]);
  for (let position = 0; position < Math.min(positions, n); position++) {
    const next = new Map<number, number>();
    for (const [set, chance] of layer) {
      const left = weights.reduce((sum, weight, i) => (set & (1 << i) ? sum : sum + weight), 0);
      for (let i = 0; i < n; i++) {
        if (set & (1 << i)) continue;
        const step = (chance * weights[i]) / left;
        out[i][position] += step;
        next.set(set | (1 << i), (next.get(set | (1 << i)) ?? 0) + step);
      }
    }
    layer = next;
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
