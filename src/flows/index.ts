/** Flow covariance analysis: which information flows each scenario x task cell uses, from labels or from a model's logits. */
export { analyseFlows, type FlowAnalysis, type FlowOptions, flowOptions } from './analysis.ts';
export { negativeLogLikelihood } from './covariance/likelihood.ts';
export { flowDocument } from './document.ts';
export { analyseModel } from './model/analyse.ts';
export { certifyModel } from './model/certify.ts';
export { clustersOf, type Estimate, lossDifference } from './numeric/paired.ts';
export { type FlowSample, readFlowRows } from './read.ts';
export { type FlowRows, inMemory, pairName } from './rows.ts';
export { surveyOf } from './survey.ts';
export type { Term } from './terms.ts';
export { FLOW_TEST, type LabelTestOptions, testLabels } from './test-labels.ts';
export { testTransfer } from './transfer/test-transfer.ts';
