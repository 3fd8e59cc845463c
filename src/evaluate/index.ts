/** Ranking metrics per scenario and task, exact on any number of rows. */
export { createGrid, type GridOptions } from './accumulator.ts';
export { auc } from './auc.ts';
export { CalibrationBuckets, calibrationError } from './calibration.ts';
export { type Cell, type Grid, type GridAccumulator, MACRO_METRICS, type Macro, type Metric } from './grid.ts';
export { logloss, sigmoid, softplus } from './logloss.ts';
export { cellWeights, type MeansRule, minimumText, ruleText, weightedMean } from './means.ts';
export { numberOf } from './metric.ts';
