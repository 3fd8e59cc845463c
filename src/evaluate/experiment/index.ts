/** Statistics of online experiments: assignment, tests over sums, sequences, guardrails, interleaving, planning. docs/statistics.md */
export { type Assignment, armRanges, assign, bucketOf, inRange } from './assignment.ts';
export { bernoulliSequence } from './bernoulli.ts';
export { eBenjaminiHochberg, heterogeneity } from './cells.ts';
export { clusteredRatio, designEffect } from './clustered-ratio.ts';
export { cupedTest, type PreSums } from './cuped.ts';
export {
  adjustedMoments,
  type JointSums,
  jointMoments,
  jointSumsOf,
  type Quadruple,
  ratioCupedTest,
} from './cuped-ratio.ts';
export { type BoundaryOptions, lanDeMets, spent, stoppingChances } from './group-sequential.ts';
export { contrast, nonInferiority, proportionMoments, sequentialGuardrail } from './guardrail.ts';
export { CREDITS, type Credit, optimizedInterleaving } from './interleaving/optimized.ts';
export { credits, preferenceOfSums, signTest, userPreference, winnerOf } from './interleaving/outcomes.ts';
export { firstItemChances, probabilisticInterleaving } from './interleaving/probabilistic.ts';
export { agreedTop, teamDraft, teamDraftLists } from './interleaving/team-draft.ts';
export {
  addSums,
  type Moments,
  momentsOf,
  ratioMoments,
  ratioSumsOf,
  type Sums,
  sumsOf,
} from './moments.ts';
export { detectableEffect, unitsForMeans, unitsForSequence, unitsForShares } from './power.ts';
export { sequentialRefusal, sequentialTest, widthFactor } from './sequential.ts';
export { SRM_LEVEL, sequentialSrm, sequentialSrmStream, srmTest, unitsInSeveralArms } from './srm.ts';
export { type Finding, type VerdictInput, verdictOf } from './verdict.ts';
export { fiellerInterval, welchTest } from './welch.ts';
