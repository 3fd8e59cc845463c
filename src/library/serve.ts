/** `tributary-ranker/serve`: artifacts of runs, predictions for files, rankers, and services. */

export type { ServingInput } from '../config/serving.ts';
export type { Prediction, PredictProgress } from '../data/predict/predict.ts';
export type { Calibration } from '../documents/artifact.ts';
export type { StepEvent } from '../export/events.ts';
export { type Exported, type ExportOptions, exportRun, selectRun } from '../export/export.ts';
export type { Selection, SelectOptions } from '../export/select/select.ts';
export type { WeightsEvent } from '../inference/model/trained.ts';
export { type PredictRunOptions, predictRun } from '../inference/predict.ts';
export {
  type RunningService,
  type ServedArtifact,
  type ServiceOptions,
  startService,
} from '../serve/processes/service.ts';
export type { ServiceEvent } from '../serve/processes/start.ts';
export type {
  Explanation as RankExplanation,
  Item as RankItem,
  RankedItem,
  RankRequest,
  RankResponse,
} from '../serve/ranker/contract.ts';
export { loadRanker } from '../serve/ranker/ranker.ts';
export type { Ranker, RankerOptions } from '../serve/ranker/ranker-contract.ts';
export { type Calibrator, calibrator } from '../store/artifact/calibration.ts';
export type { ArtifactManifest } from '../store/artifact/manifest.ts';
export { type Artifact, openArtifact } from '../store/artifact/open.ts';
export { compileScore, type Score as CompiledScore } from '../store/artifact/score.ts';
export type { ArtifactStatistics } from '../store/artifact/statistics.ts';
