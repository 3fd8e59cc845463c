/**
 * `tributary-ranker`: all steps of a ranker, from a configuration to a service. The subpaths (`/data`, `/train`, `/serve`, `/model`,
 * `/graph`) have the parts of each step.
 */

export { ERRORS, type ErrorCode, TributaryError } from './base/errors/index.ts';
export { type CompareConfig, type CompareInput, defineComparison } from './config/compare.ts';
export { type DatasetConfig, type DatasetInput, defineDataset, type SplitName } from './config/dataset.ts';
export { loadDatasetConfig, loadRunConfig, type RunSources as RunConfigSources } from './config/load.ts';
export { type Comparison as ComparisonConfig, loadComparisonConfig } from './config/load-compare.ts';
export { loadTuneConfig } from './config/load-tune.ts';
export { defineRun, type RunConfig, type RunInput } from './config/run.ts';
export { defineTune, type TuneConfig, type TuneInput } from './config/tune.ts';
export { validate } from './data/checks/validate.ts';
export { prepare } from './data/prepare/prepare.ts';
export { openPrepared } from './data/prepared/open.ts';
export { exportRun, selectRun } from './export/export.ts';
export { predictRun } from './inference/predict.ts';
export { defineModel } from './model/network.ts';
export { findModel, models, registerModel, unregisterModel } from './model/registry.ts';
export { startService } from './serve/processes/service.ts';
export { loadRanker } from './serve/ranker/ranker.ts';
export { startComparison } from './study/compare/run.ts';
export { startTuning } from './study/tune/tune.ts';
export { evaluateRun } from './train/evaluate-run.ts';
export { startTraining } from './train/run/host.ts';
export { newRun } from './train/run/new-run.ts';
