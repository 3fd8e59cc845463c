/** Replay of single choices: one of several actions for each row. */
import { type Estimator, meanEstimator, quotientEstimator } from './estimator.ts';

export interface BanditLog {
  /** The action taken in each row. */
  action: readonly number[];
  reward: readonly number[];
  /** Chance that the logging policy took it. */
  loggingPropensity: readonly number[];
  /** Chances of the policy to judge: [row][action]. */
  target: readonly (readonly number[])[];
}

/** [row][action] expected rewards by a model that was not fitted to the row's own unit (cross-fitted). */
export type RewardModel = readonly (readonly number[])[];

/** How often the judged policy would have done what was done, over how often the logging one did. */
export const banditWeights = ({ action, loggingPropensity, target }: BanditLog): number[] =>
  action.map((taken, i) => weight(target[i][taken], loggingPropensity[i]));

/** A quotient of propensities. What was logged had a chance. */
export function weight(target: number, logging: number): number {
  if (!(logging > 0 && logging <= 1)) throw new RangeError(`a logged propensity is in (0, 1], found ${logging}`);
  return target / logging;
}

/** Inverse propensity scores: mean of w r. Unbiased where the logging policy could do all that the judged one does. */
export function ips(log: BanditLog): Estimator {
  const weights = banditWeights(log);
  return meanEstimator(weights.map((w, i) => w * log.reward[i]));
}

/** Self-normalised: mean of w r over mean of w. Slightly biased, far less spread. A. Swaminathan, T. Joachims, NeurIPS 2015. */
export function snips(log: BanditLog): Estimator {
  const weights = banditWeights(log);
  return quotientEstimator(
    weights.map((w, i) => w * log.reward[i]),
    weights,
  );
}

/** Weights cut at a limit: biased downwards for rewards of 0 and more. */
export function clippedIps(log: BanditLog, limit: number): Estimator {
  return meanEstimator(banditWeights(log).map((w, i) => Math.min(w, limit) * log.reward[i]));
}

/** Direct method: what the model expects of the judged policy. As biased as the model. */
export const directMethod = (log: BanditLog, model: RewardModel): Estimator => meanEstimator(expectations(log, model));

/** Doubly robust: the model, corrected by w (r - q). Unbiased if propensities or model are right. M. Dudík et al., Statistical Science 29 (2014). */
export const doublyRobust = (log: BanditLog, model: RewardModel): Estimator => corrected(log, model, (w) => w);

/** Corrects only where weights are at most `limit`. Y.-X. Wang, A. Agarwal, M. Dudík, ICML 2017. */
export const switchDr = (log: BanditLog, model: RewardModel, limit: number): Estimator =>
  corrected(log, model, (w) => (w <= limit ? w : 0));

/** Weights shrunk to lambda w / (w^2 + lambda). Y. Su, M. Dimakopoulou, A. Krishnamurthy, M. Dudík, ICML 2020. */
export const shrinkDr = (log: BanditLog, model: RewardModel, lambda: number): Estimator =>
  corrected(log, model, (w) => (lambda * w) / (w ** 2 + lambda));

/** Doubly robust with a self-normalised correction. */
export function selfNormalisedDr(log: BanditLog, model: RewardModel): Estimator {
  const weights = banditWeights(log);
  return {
    columns: [expectations(log, model), residuals(log, model, weights), weights],
    value: ([expected, correction, mean]) => expected + correction / mean,
  };
}

function corrected(log: BanditLog, model: RewardModel, weightOf: (w: number) => number): Estimator {
  const corrections = residuals(log, model, banditWeights(log).map(weightOf));
  return meanEstimator(expectations(log, model).map((expected, i) => expected + corrections[i]));
}

const expectations = ({ target }: BanditLog, model: RewardModel): number[] =>
  target.map((chances, i) => chances.reduce((sum, chance, action) => sum + chance * model[i][action], 0));

const residuals = ({ action, reward }: BanditLog, model: RewardModel, weights: readonly number[]): number[] =>
  action.map((taken, i) => weights[i] * (reward[i] - model[i][taken]));
