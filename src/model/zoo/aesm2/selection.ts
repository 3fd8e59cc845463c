/**
 * Which experts a row uses (section 3.2 of the paper). Each of G gates scores all E experts; a softmax over the gates turns
 * the scores of one expert into its distribution q over scenarios (or tasks). An expert whose q is near the row's own
 * one-hot is specific to it, one whose q is near the uniform distribution is shared.
 *
 * The batch is the last axis: sums over a few gates or experts are then sums of long rows.
 */
import {
  add,
  cast,
  equal,
  exp,
  greater,
  less,
  log,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  stopGradient,
  sub,
  type Tensor,
} from '../../../graph/index.ts';
import { ranks } from '../../layers/rank.ts';
import type { Aesm2Options, LayersOptions } from './options.ts';

/** [G, E, B] -> [E, B]: what belongs to the row's own gate. */
export type Own = (perGate: Tensor) => Tensor;

/** The experts by one of the two measures. */
export interface Choice {
  /** [E, B] KL divergence from the wanted distribution to q. */
  divergence: Tensor;
  /** [E, B] place in the order of rising divergence; ties to the lower index. */
  rank: Tensor;
  /** [E, B] 1 for the k first, else 0. No gradient. */
  chosen: Tensor;
  /** [B] mean divergence of the chosen. */
  loss: Tensor;
}

export interface Selection {
  specific: Choice;
  shared: Choice;
  /** [E, B] 0, 1, or 2 for an expert chosen as both. */
  count: Tensor;
}

/** Chooses experts by gate logits [G, E, B]. KL(own || q) = -log q_own; KL(uniform || q) = -log G - mean_j log q_j. */
export function select(gateLogits: Tensor, own: Own, { kSpecific, kShared }: LayerChoice): Selection {
  const gates = gateLogits.shape[0] as number;
  const shifted = sub(gateLogits, stopGradient(reduceMax(gateLogits, [0], true))); // [G,E,B], at most 0
  const total = log(reduceSum(exp(shifted), [0])); // [E,B]: log q = shifted - total
  const specific = choose(sub(total, own(shifted)), kSpecific);
  const shared = choose(sub(sub(total, reduceMean(shifted, [0])), Math.log(gates)), kShared);
  return { specific, shared, count: add(specific.chosen, shared.chosen) };
}

type LayerChoice = Pick<LayersOptions, 'kSpecific' | 'kShared'>;

function choose(divergence: Tensor, k: number): Choice {
  const rank = ranks(divergence); // [E,B]
  const chosen = cast(less(rank, k), 'float32'); // [E,B]
  return { divergence, rank, chosen, loss: mul(reduceSum(mul(divergence, chosen), [0]), 1 / k) };
}

/** Less than any logit by so much that its softmax is 0. */
const NEVER = -1e9;

/**
 * Logits [E, B] of the mixture from those of the row's own gate. `select`: the experts not chosen get none of it, chosen twice
 * counts once. `multiply`: the published code's factor on the logits, 2 for chosen twice and -1e9 for not chosen; a negative
 * logit of an expert not chosen then takes the whole mixture.
 */
export function masked(ownLogits: Tensor, count: Tensor, mode: Aesm2Options['maskMode']): Tensor {
  const never = mul(cast(equal(union({ count }), 0), 'float32'), NEVER); // [E,B]
  return mode === 'select' ? add(ownLogits, never) : mul(ownLogits, add(count, never));
}

/** [E, B] 1 for experts chosen by either measure. */
export const union = ({ count }: Pick<Selection, 'count'>): Tensor => cast(greater(count, 0), 'float32');
