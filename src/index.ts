/** The library: what a program does with the rooms of this house. */

export { type Calibrator, calibrator } from './artifact/calibration.ts';
export type { ArtifactManifest, Calibration } from './artifact/manifest.ts';
export { type Artifact, openArtifact } from './artifact/open.ts';
export type { RunRecord } from './artifact/run-folder.ts';
export { compileScore, type Score } from './artifact/score.ts';
export type { ArtifactStatistics } from './artifact/statistics.ts';
export { ERRORS, type ErrorCode, TributaryError } from './base/errors/index.ts';
export { type CompareConfig, type CompareInput, defineComparison } from './config/compare.ts';
export { type DatasetConfig, type DatasetInput, defineDataset, type SplitName } from './config/dataset.ts';
export { loadDataset, loadRun, type RunSources } from './config/load.ts';
export { type Comparison, loadComparison } from './config/load-compare.ts';
export { loadTune } from './config/load-tune.ts';
export { defineRun, type RunConfig, type RunInput } from './config/run.ts';
export { defineTune, type TuneConfig, type TuneInput } from './config/tune.ts';
export {
  createRowEncoder,
  type EncoderSource,
  type RowEncoder,
  type RowValues,
  type SequenceValues,
} from './data/encoder.ts';
export { type InitOptions, init, type Proposal } from './data/init.ts';
export { openPrepared, verifyPrepared } from './data/open.ts';
export type { Prediction } from './data/predict.ts';
export { type Preparation, type PrepareOptions, type Progress, prepare } from './data/prepare.ts';
export type { Batch, BatchOptions, Manifest, PreparedData, PreparedField, SplitReader } from './data/prepared.ts';
export type { Recipe } from './data/recipes/recipe.ts';
export { recipes } from './data/recipes.ts';
export type { PlantedTruth } from './data/synthetic/planted.ts';
export { createWorld, type Encounter, plantedTruth, type World } from './data/synthetic/world.ts';
export { type Finding, formatFindings, validate } from './data/validate.ts';
export {
  type Cell,
  createGrid,
  formatGrid,
  type Grid,
  type GridAccumulator,
  type GridJson,
  type GridOptions,
  gridToJson,
  type Macro,
  type Metric,
} from './evaluate/index.ts';
export type { ComparisonResult } from './experiment/compare/result.ts';
export { type ComparisonHandle, type ComparisonRequest, runComparison } from './experiment/compare/run.ts';
export {
  startTuning,
  type TuneEvent,
  type TuneHandle,
  type TuneRequest,
  type TuneResult,
} from './experiment/tune/tune.ts';
export type { ModelDefinition, ModelSizes, ParameterSpec } from './model/contract.ts';
export { findModel, models } from './model/registry.ts';
export { type Exported, type ExportOptions, exportRun } from './select/export.ts';
export { type PredictRunOptions, predictRun } from './select/predict-run.ts';
export type { Explanation, Item, RankedItem, RankRequest, RankResponse } from './serve/contract.ts';
export { loadRanker, type Ranker, type RankerOptions } from './serve/ranker.ts';
export { type RunningService, type ServedArtifact, type ServiceOptions, startService } from './serve/service.ts';
export { evaluateRun } from './train/evaluate-run.ts';
export type * from './train/events.ts';
export { exportWeights, type ImportRequest, importWeights } from './train/exchange.ts';
export { type FinishedModel, type ModelUse, openModel } from './train/finished.ts';
export { startTraining, type TrainingHandle } from './train/host.ts';
export { newRun, type RunPlace } from './train/new-run.ts';
