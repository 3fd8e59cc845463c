/** Flow covariance analysis: which information flows each scenario x task cell uses, from labels or from a model's logits. */
export { analyseFlows, type FlowAnalysis, flowOptions } from './analysis.ts';
export { negativeLogLikelihood, patternsOf } from './likelihood.ts';
export type { FlowRows } from './rows.ts';
export type { Term } from './terms.ts';
