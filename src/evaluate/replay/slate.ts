/**
 * Replay of lists: each position has an item and a reward, and the value is the expected sum of the rewards.
 *
 * Each estimator rests on an assumption about readers, and names it in its result: `ASSUMPTIONS`.
 */
import { sum } from '../../base/numbers.ts';
import { weight } from './bandit.ts';
import { type Estimator, meanEstimator } from './estimator.ts';

/** [logging, judged] policy. */
export type Pair<T> = readonly [logging: T, judged: T];

/** Numbers of [row][position]; rows may have lists of different lengths. */
export type ByPosition = readonly (readonly number[])[];

/** What is assumed about readers; false, the estimate is biased. */
export const ASSUMPTIONS = {
  sips: 'nothing about readers; useless for long lists, whose joint propensities are tiny',
  iips: 'the reward of a position depends on its item and the position alone',
  rips: 'readers go from the top down: the reward of a position depends on its item and those above it',
  cascadeDr: 'readers go from the top down: the reward of a position depends on its item and those above it',
} as const;

/** Standard IPS: all rewards of a list by the weight of the whole list. */
export function sips(reward: ByPosition, joint: Pair<readonly number[]>): Estimator {
  return meanEstimator(jointWeights(joint).map((w, i) => w * sum(reward[i])));
}

export function selfNormalisedSips(reward: ByPosition, joint: Pair<readonly number[]>): Estimator {
  const weights = jointWeights(joint);
  return { columns: [weights.map((w, i) => w * sum(reward[i])), weights], value: ([above, below]) => above / below };
}

/**
 * Rewards by the weight of their position: with chances of an item at a position this is IIPS (S. Li et al.: Offline evaluation of ranking
 * policies with click models, KDD 2018), with chances of the list down to a position RIPS (J. McInerney et al.: Counterfactual evaluation of
 * slate recommendations with sequential reward interactions, KDD 2020).
 */
export function positionIps(reward: ByPosition, propensity: Pair<ByPosition>): Estimator {
  const weights = positionWeights(propensity);
  return meanEstimator(weights.map((of, i) => sum(of.map((w, k) => w * reward[i][k]))));
}

/** The same, self-normalised at each position. */
export function selfNormalisedPositionIps(reward: ByPosition, propensity: Pair<ByPosition>): Estimator {
  const weights = positionWeights(propensity);
  const length = Math.max(...weights.map((of) => of.length));
  const column = (of: (row: number, k: number) => number): number[][] =>
    Array.from({ length }, (_, k) => weights.map((list, row) => (k < list.length ? of(row, k) : 0)));
  return {
    columns: [
      ...column((row, k) => weights[row][k] * reward[row][k]),
      ...column((row, k) => weights[row][k]),
      ...column(() => 1),
    ],
    value: (means) => sum(Array.from({ length }, (_, k) => (means[k] / means[length + k]) * means[2 * length + k])),
  };
}

export interface SlateModel {
  /** Expected reward of the item shown, given those above it: [row][position]. */
  qShown: ByPosition;
  /** Expected reward of the position when the judged policy chooses its item, given those above it. */
  qExpected: ByPosition;
}

/**
 * Cascade doubly robust: RIPS with a model that takes what it can explain off each position. H. Kiyohara et al.: Doubly robust off-policy
 * evaluation for ranking policies under the cascade behavior model, WSDM 2022. With a model of zeros it is RIPS.
 */
export function cascadeDr(reward: ByPosition, cascade: Pair<ByPosition>, { qShown, qExpected }: SlateModel): Estimator {
  return meanEstimator(
    positionWeights(cascade).map((weights, i) =>
      sum(weights.map((w, k) => w * (reward[i][k] - qShown[i][k]) + (k === 0 ? 1 : weights[k - 1]) * qExpected[i][k])),
    ),
  );
}

const jointWeights = ([logging, judged]: Pair<readonly number[]>): number[] =>
  logging.map((chance, i) => weight(judged[i], chance));

export const positionWeights = ([logging, judged]: Pair<ByPosition>): number[][] =>
  logging.map((chances, i) => chances.map((chance, k) => weight(judged[i][k], chance)));
