/** Explored requests with the chances of what was shown, under the policy that logged and the one that is judged. */
import { range } from '../base/numbers.ts';
import { drawOrder, orderMarginals, orderPropensity } from '../evaluate/replay/index.ts';
import type { ExploredRequest } from './log.ts';
import type { ScoredItem } from './policy.ts';

/** [logging, judged] */
type Pair<T> = readonly [T, T];

/** A list that was shown. Positions count from 0; candidates are those of the impression, in its order: so 0, 1, ... were shown. */
export interface List {
  unit: string;
  /** By position. */
  rewards: readonly number[];
  /** By position: chance of the list down to there. */
  prefix: Pair<readonly number[]>;
  /** By position: chance of the item there; absent where the log has none. */
  marginal?: Pair<readonly number[]>;
  /** By candidate: chance to be the first. */
  first: Pair<readonly number[]>;
  /** By candidate: what the judged model expects of it, were it looked at. */
  values: readonly number[];
  /** By position: what it expects of the item that the judged policy puts below those above. */
  next: readonly number[];
  /** By position: chance, under the logging policy, of an order that the judged one draws, down to there; and of its item there. */
  supported: { prefix: readonly number[]; marginal?: readonly number[] };
  /** Difference of the logged propensity from the one that follows from logged scores. */
  drift: number;
}

/** Candidates up to which chances of positions are computed, as in the service. */
const MARGINAL_CANDIDATES = 12;
/** What is smaller counts as this much: no weight is infinite. */
const SMALLEST = 1e-300;

/** @param temperature of the judged policy; 0: by falling score */
export function listOf(
  { impression, rewards }: ExploredRequest,
  scored: readonly ScoredItem[],
  temperature: number,
  worth: (item: ScoredItem) => number,
): List {
  const { items, policy, request_id, unit } = impression;
  if (policy.kind !== 'plackett-luce') throw new RangeError(`expected an explored request, found ${policy.kind}`);
  const [logged, judged] = [items, scored].map((all) => all.map(({ score }) => score));
  const shown = range(rewards.length);
  const choice = choiceOf(
    judged,
    items.map(({ item_id }) => item_id),
    temperature,
    request_id,
  );
  const own = orderPropensity(logged, shown, policy.temperature);
  const prefix = items.slice(0, shown.length).map(({ propensity }) => Math.exp(propensity?.log_prefix ?? 0));
  const values = scored.map(worth);
  const hasMarginals = items.length <= MARGINAL_CANDIDATES && items[0]?.propensity?.marginal !== undefined;
  const marginals = hasMarginals ? orderMarginals(logged, shown.length, policy.temperature) : undefined;
  const judgedMarginals = hasMarginals ? choice.marginals(shown.length) : undefined;
  return {
    unit: unit ?? `request ${request_id}`,
    rewards,
    prefix: [prefix.map(atLeast), choice.prefix(shown)],
    first: [atFirst(logged, policy.temperature).map(atLeast), choice.first],
    ...(judgedMarginals && {
      marginal: [
        shown.map((k) => atLeast(items[k].propensity?.marginal ?? 0)),
        shown.map((k) => judgedMarginals[k][k]),
      ],
    }),
    values,
    next: shown.map((k) => choice.expected(k, values)),
    supported: {
      prefix: orderPropensity(logged, choice.order.slice(0, shown.length), policy.temperature).cascade,
      ...(marginals && { marginal: shown.map((k) => marginals[choice.order[k]][k]) }),
    },
    drift: Math.max(0, ...shown.map((k) => Math.abs((items[k].propensity?.log_prefix ?? 0) - own.logCascade[k]))),
  };
}

const atLeast = (chance: number): number => Math.min(Math.max(chance, SMALLEST), 1);

const atFirst = (scores: readonly number[], temperature: number): number[] =>
  softmax(scores.map((s) => s / temperature));

function softmax(utilities: readonly number[]): number[] {
  const largest = Math.max(...utilities);
  const parts = utilities.map((u) => Math.exp(u - largest));
  const total = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / total);
}

/** How a policy puts candidates into order. */
interface Choice {
  /** The order, or one drawn. */
  order: readonly number[];
  first: readonly number[];
  /** By position: chance of `order` down to there. */
  prefix(order: readonly number[]): number[];
  /** [candidate][position] */
  marginals(positions: number): number[][];
  /** Expected value of the item that it puts below the first `above` candidates. */
  expected(above: number, values: readonly number[]): number;
}

const choiceOf = (scores: readonly number[], ids: readonly string[], temperature: number, seed: string): Choice =>
  temperature === 0 ? byScore(scores, ids) : byDraw(scores, temperature, seed);

/** Equal scores go by id: their order in the log was drawn by the policy that is not judged. */
function byScore(scores: readonly number[], ids: readonly string[]): Choice {
  const order = range(scores.length).sort((a, b) => scores[b] - scores[a] || (ids[a] < ids[b] ? -1 : 1));
  return {
    order,
    first: scores.map((_, i) => Number(order[0] === i)),
    prefix(shown) {
      let same = true;
      return shown.map((item, k) => {
        same &&= order[k] === item;
        return Number(same);
      });
    },
    marginals: (positions) => scores.map((_, i) => range(positions).map((k) => Number(order[k] === i))),
    expected: (above, values) => values[order.find((item) => item >= above) as number],
  };
}

function byDraw(scores: readonly number[], temperature: number, seed: string): Choice {
  return {
    order: drawOrder(scores, scores.length, { temperature, seed: `replay ${seed}` }),
    first: atFirst(scores, temperature),
    prefix: (shown) => orderPropensity(scores, shown, temperature).cascade,
    marginals: (positions) => orderMarginals(scores, positions, temperature),
    expected(above, values) {
      const chances = atFirst(scores.slice(above), temperature);
      return chances.reduce((sum, p, i) => sum + p * values[above + i], 0);
    },
  };
}
