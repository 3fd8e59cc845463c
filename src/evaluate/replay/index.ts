/** Off-policy replay: what a policy that did not serve would have brought, and whether a log can say so. docs/statistics.md */
export { asOfJoin } from './as-of.ts';
export {
  type BanditLog,
  banditWeights,
  clippedIps,
  directMethod,
  doublyRobust,
  ips,
  type RewardModel,
  selfNormalisedDr,
  shrinkDr,
  snips,
  switchDr,
} from './bandit.ts';
export { type Diagnostics, diagnose, effectiveRows, type Refusal, replayRefusals } from './diagnostics.ts';
export { correctedLogit, correctedRate } from './down-sampling.ts';
export { bootstrapIntervals, type Estimator, estimate, quotientEstimator } from './estimator.ts';
export { drawOrder, orderMarginals, orderPropensity } from './plackett-luce.ts';
export {
  examinationByEm,
  harvestedExamination,
  identified,
  type PositionCount,
  randomisedExamination,
} from './position-bias.ts';
export {
  ASSUMPTIONS,
  cascadeDr,
  positionIps,
  positionWeights,
  selfNormalisedPositionIps,
  selfNormalisedSips,
  sips,
} from './slate.ts';
