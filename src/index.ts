/** The library: what a program does with the rooms of this house. */

export { ERRORS, type ErrorCode, TributaryError } from './base/errors/index.ts';
export { type CompareConfig, type CompareInput, defineComparison } from './config/compare.ts';
export { type DatasetConfig, type DatasetInput, defineDataset, type SplitName } from './config/dataset.ts';
export { loadDatasetConfig, loadRunConfig, type RunSources } from './config/load.ts';
export { type Comparison, loadComparisonConfig } from './config/load-compare.ts';
export { loadTuneConfig } from './config/load-tune.ts';
export { defineRun, type RunConfig, type RunInput } from './config/run.ts';
export { defineTune, type TuneConfig, type TuneInput } from './config/tune.ts';
export { type Finding, formatFindings, validate } from './data/checks/validate.ts';
export {
  createRowEncoder,
  type EncoderSource,
  type RowEncoder,
  type RowValues,
  type SequenceValues,
} from './data/encode/encoder.ts';
export type { PreparedField } from './data/encode/ids.ts';
export { type InitOptions, init, type Proposal } from './data/init/init.ts';
export type { Prediction } from './data/predict/predict.ts';
export { type Preparation, type PrepareOptions, type PrepareProgress, prepare } from './data/prepare/prepare.ts';
export { openPrepared, verifyPrepared } from './data/prepared/open.ts';
export type { Batch, BatchOptions, Manifest, PreparedData, SplitReader } from './data/prepared/prepared.ts';
export type { Recipe } from './data/recipes/recipe.ts';
export { recipes } from './data/recipes/recipes.ts';
export type { PlantedTruth } from './data/synthetic/planted.ts';
export { createWorld, type Encounter, plantedTruth, type World } from './data/synthetic/world.ts';
export type { Calibration } from './documents/artifact.ts';
export type { ComparisonResult } from './documents/comparison.ts';
export { type GridJson, gridToJson } from './documents/grid.ts';
export {
  type Cell,
  createGrid,
  type Grid,
  type GridAccumulator,
  type GridOptions,
  type Macro,
  type Metric,
} from './evaluate/index.ts';
export { type Exported, type ExportOptions, exportRun } from './export/export.ts';
export { type FinishedModel, type ModelUse, openModel } from './inference/model/finished.ts';
export { type PredictRunOptions, predictRun } from './inference/predict.ts';
export { exportWeights, type ImportRequest, importWeights } from './interop/exchange.ts';
export type { ModelDefinition, ModelSizes, ParameterSpec } from './model/contract.ts';
export { findModel, models } from './model/registry.ts';
export { formatGrid } from './report/grid.ts';
export {
  type RunningService,
  type ServedArtifact,
  type ServiceOptions,
  startService,
} from './serve/processes/service.ts';
export type { Explanation, Item, RankedItem, RankRequest, RankResponse } from './serve/ranker/contract.ts';
export { loadRanker, type Ranker, type RankerOptions } from './serve/ranker/ranker.ts';
export { type Calibrator, calibrator } from './store/artifact/calibration.ts';
export type { ArtifactManifest } from './store/artifact/manifest.ts';
export { type Artifact, openArtifact } from './store/artifact/open.ts';
export { compileScore, type Score } from './store/artifact/score.ts';
export type { ArtifactStatistics } from './store/artifact/statistics.ts';
export type { RunRecord } from './store/run/run-folder.ts';
export { type ComparisonHandle, type ComparisonRequest, startComparison } from './study/compare/run.ts';
export type { TuneEvent, TuneResult } from './study/tune/events.ts';
export { startTuning, type TuneHandle, type TuneRequest } from './study/tune/tune.ts';
export { evaluateRun } from './train/evaluate-run.ts';
export type * from './train/run/events.ts';
export { startTraining, type TrainingHandle } from './train/run/host.ts';
export { newRun, type RunPlace } from './train/run/new-run.ts';
