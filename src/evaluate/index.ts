/** Ranking metrics per scenario and task, exact on any number of rows. */
export { createGrid, type GridOptions } from './accumulator.ts';
export { auc } from './auc.ts';
export { calibrationError } from './calibration.ts';
export { formatGrid, type GridJson, gridToJson } from './format.ts';
export type { Cell, Grid, GridAccumulator, Macro, Metric } from './grid.ts';
export { logloss, sigmoid } from './logloss.ts';
export { cellWeights, type MeansRule, minimumText, ruleText, weightedMean } from './means.ts';
export { numberOf } from './metric.ts';
