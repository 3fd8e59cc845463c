/** `tributary-ranker/train`: trainings, studies of many trainings, finished models, and metrics. */

export { loadRunConfig, type RunSources as RunConfigSources } from '../config/load.ts';
export { type Comparison as ComparisonConfig, loadComparisonConfig } from '../config/load-compare.ts';
export { loadTuneConfig } from '../config/load-tune.ts';
export type { RunConfig, RunInput } from '../config/run.ts';
export type { TuneConfig, TuneInput } from '../config/tune.ts';
export type { ComparisonResult, Times as ComparisonTimes } from '../documents/comparison.ts';
export { type GridJson as MetricGridJson, gridToJson } from '../documents/grid.ts';
export type { MeasuredData } from '../documents/result.ts';
export {
  type Cell as MetricCell,
  createGrid,
  type Grid as MetricGrid,
  type GridAccumulator as MetricAccumulator,
  type GridOptions as MetricOptions,
  type Macro as MetricMeans,
  type Metric,
} from '../evaluate/index.ts';
export { type FinishedModel, type ModelUse as FinishedModelOptions, openModel } from '../inference/model/finished.ts';
export type { RunSource, WeightsEvent } from '../inference/model/trained.ts';
export { exportWeights, type ImportRequest, importWeights } from '../interop/exchange.ts';
export { formatGrid } from '../report/grid.ts';
export type { RunRecord } from '../store/run/run-folder.ts';
export type { ChoiceEvent } from '../study/choose/events.ts';
export { type ChoiceHandle, type ChoiceOptions, startChoice } from '../study/choose/host.ts';
export { type ChoiceSources, newChoice } from '../study/choose/start.ts';
export { defaultsOfData } from '../study/compare/defaults.ts';
export type { ComparisonEnd, ComparisonEvent } from '../study/compare/events.ts';
export { type ComparisonHandle, type ComparisonRequest, startComparison } from '../study/compare/run.ts';
export type { TuneEvent, TuneResult } from '../study/tune/events.ts';
export { startTuning, type TuneHandle, type TuneRequest } from '../study/tune/tune.ts';
export { type EvaluatedRun, type EvaluateOptions, evaluateRun } from '../train/evaluate-run.ts';
export type {
  EpochEvent,
  InterruptedEvent,
  ProgressEvent as TrainingProgressEvent,
  ResultEvent,
  TrainingEvent,
} from '../train/run/events.ts';
export { startTraining, type TrainingHandle, type TrainingOptions } from '../train/run/host.ts';
export { newRun, type RunPlace } from '../train/run/new-run.ts';
