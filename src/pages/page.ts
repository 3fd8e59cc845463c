/**
 * What a page shows: result documents, or parts of them, with sentences about them. Every number on a page is looked up here by its path;
 * the page computes none.
 */
import type {
  ComparisonResult,
  CorrectedTest,
  DatasetResult,
  ModelResult,
  ModelTests,
  Times,
} from '../documents/comparison.ts';
import type { ExplanationDocument } from '../documents/diagnose/explanation.ts';
import type { ImportanceDocument } from '../documents/diagnose/importance.ts';
import type { Ramp } from '../documents/experiment/ramp.ts';
import type { ExperimentReport } from '../documents/experiment/report.ts';
import type { FlowDocument } from '../documents/flows.ts';
import type { GridJson } from '../documents/grid.ts';
import type { DriftDocument } from '../documents/loop/drift.ts';
import type { PositionBiasDocument } from '../documents/loop/position-bias.ts';
import type { ReplayDocument } from '../documents/loop/replay.ts';
import type { Round } from '../documents/loop/round.ts';
import type { SimulationDocument } from '../documents/loop/simulation.ts';
import type { EvaluationDocument, RunDocument } from '../documents/result.ts';
import type { TimingsLine } from '../documents/run-log.ts';
import type { TransferDocument } from '../documents/transfer.ts';
import type { TuningDocument } from '../documents/tuning.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';

/** What all pages have. */
export interface Head {
  title: string;
  /** Below the title, such as name and date of what is shown. */
  facts: string[];
  /** What was found, most important first. */
  findings: string[];
  /** The finding of a section, by its id. */
  sentences?: Record<string, string>;
  /** What cannot be shown, and why. */
  notes: string[];
  /** Version of Tributary that made the page. */
  version: string;
  /** In studio: where to go from here. */
  links?: Link[];
}

export interface Link {
  href: string;
  text: string;
}

/** An epoch of a training, of its line in metrics.jsonl. */
export interface EpochPoint {
  phase: string;
  epoch: number;
  losses: Record<string, number | null>;
  taskWeights: Record<string, number | null>;
  monitor: number | null;
  best: boolean;
  /** Means over cells on validation rows. */
  validation: { auc: number | null; logloss: number | null };
  /** Validation AUC of each cell, in the order of `cells`. */
  auc: (number | null)[];
  /** Of soft gates, where there are some. */
  temperature?: number;
  /** What gates let through, [cell][name] in the order of `cells` and `gateNames`; absent where none learn. */
  gates?: (number | null)[][];
}

export interface RunPage extends Head {
  kind: 'run';
  /** Absent while it is trained. */
  result?: Pick<RunDocument, 'test' | 'epochs'> & Partial<RunDocument>;
  /** Sentences about flows, and about the choice of the model; empty where there is none. */
  flowSentences: string[];
  choiceSentences: string[];
  /** Which cells the AUCs of `epochs` are of. */
  cells: { scenario: string; task: string }[];
  /** Flows or experts that gates let through; empty for models without gates. */
  gateNames: string[];
  epochs: EpochPoint[];
  timings: Extract<TimingsLine, { phase: string }>[];
  /** What was measured last of the finished model. */
  importance?: ImportanceDocument;
  /** As JSON. */
  config: string;
}

type Mean = Pick<NonNullable<ModelResult['macro']['auc']>, 'mean'> | null;

/** What pages show of a cell of a model: with all metrics, 100 models x 64 cells would not fit into a page. */
interface ShownCell extends Pick<ModelResult['cells'][number], 'scenario' | 'task' | 'rows' | 'positives'> {
  auc: Mean;
  logloss: Mean;
}

/** What pages show of the tests of two models: in cells DeLong's alone. */
export interface ShownTests extends Omit<ModelTests, 'cells'> {
  cells: {
    scenario: string;
    task: string;
    delong: Pick<CorrectedTest, 'difference' | 'low' | 'high'> | null;
  }[];
}

export interface ShownDataset extends Pick<DatasetResult, 'data' | 'testRows' | 'groups'> {
  models: (Omit<ModelResult, 'cells'> & { cells: ShownCell[] })[];
  tests: ShownTests[];
  transfer: ShownTests[];
  yardsticks?: { tests: ShownTests[] };
}

export interface ComparisonPage extends Head {
  kind: 'comparison';
  result: Omit<ComparisonResult, 'datasets'> & { datasets: ShownDataset[] };
  /** Absent where times.json is not there. */
  times?: Times;
  /** Of each data set: models that no other one beats in both mean AUC and cost. */
  fronts: string[][];
}

export interface TuningPage extends Head {
  kind: 'tuning';
  tuning: TuningDocument;
  /** Indices of `tuning.trials`, by trial number, of those that were the best when they ended. */
  records: number[];
}

export interface ArtifactPage extends Head {
  kind: 'artifact';
  artifact: Pick<
    ArtifactManifest,
    'graphs' | 'tables' | 'calibration' | 'reliability' | 'score' | 'selection' | 'verdict'
  > & {
    scenarios: string[];
    tasks: string[];
    metrics?: GridJson;
    bytes: number;
    files: number;
  };
  flowSentences: string[];
}

export interface FlowsPage extends Head {
  kind: 'flows';
  flows: FlowDocument;
  flowSentences: string[];
}

export interface TransferPage extends Head {
  kind: 'transfer';
  transfer: TransferDocument;
  /** What single scenarios add. */
  sourceSentences: string[];
  /** Negative transfer, flow by flow. */
  flowSentences: string[];
}

export interface EvaluationPage extends Head {
  kind: 'evaluation';
  evaluation: EvaluationDocument;
}

export interface ImportancePage extends Head {
  kind: 'importance';
  importance: ImportanceDocument;
}

export interface ExplanationPage extends Head {
  kind: 'explanation';
  explanation: ExplanationDocument;
}

export interface ReplayPage extends Head {
  kind: 'replay';
  replay: ReplayDocument;
}

export interface PositionBiasPage extends Head {
  kind: 'position-bias';
  bias: PositionBiasDocument;
}

export interface SimulationPage extends Head {
  kind: 'simulation';
  simulation: SimulationDocument;
}

export interface LoopPage extends Head {
  kind: 'loop';
  rounds: Round[];
}

export interface ExperimentPage extends Head {
  kind: 'experiment';
  experiment: ExperimentReport;
  /** When intervals hold. */
  looks: string;
}

export interface RampPage extends Head {
  kind: 'ramp';
  ramp: Ramp;
}

export interface DriftPage extends Head {
  kind: 'drift';
  drift: DriftDocument;
}

/** A result in a folder. */
export interface FolderEntry {
  name: string;
  /** Of its page; null where there is none yet. */
  href: string | null;
  kind: string;
  /** Of a training. */
  state: string;
  model: string | null;
  data: string | null;
  epochs: number | null;
  /** Mean AUC on the test rows. */
  auc: number | null;
  /** The value that early stopping watches, of the last epoch. */
  monitor: number | null;
  /** Time, ISO 8601. */
  changed: string;
}

export interface FolderPage extends Head {
  kind: 'folder';
  /** What is being trained first, then the last changed. */
  entries: FolderEntry[];
}

/** A request that a log has. */
export interface RequestEntry {
  /** Name of the log in the folder, and the id of the request. */
  log: string;
  id: string;
  /** ISO 8601. */
  time: string;
  scenario: string;
  /** `name@id` of the artifact that answered. */
  model: string;
  candidates: number;
  /** The item at the first position, and its score; null where none was logged. */
  first: string | null;
  score: number | null;
  /** To explanations of it. */
  links: Link[];
}

export interface LogPage extends Head {
  kind: 'log';
  /** The newest first. */
  requests: RequestEntry[];
}

/** Where a request is pasted or picked, to be explained. */
export interface AskPage extends Head {
  kind: 'ask';
  /** Where the form goes. */
  action: string;
  /** In the form. */
  text: string;
  /** Why the last request was not explained. */
  problem: string | null;
  requests: RequestEntry[];
}

export type Page =
  | RunPage
  | ComparisonPage
  | TuningPage
  | ArtifactPage
  | FlowsPage
  | TransferPage
  | EvaluationPage
  | ImportancePage
  | ExplanationPage
  | ReplayPage
  | PositionBiasPage
  | SimulationPage
  | LoopPage
  | ExperimentPage
  | RampPage
  | DriftPage
  | FolderPage
  | LogPage
  | AskPage;
