/** Events of a training run: the command line prints them, `--json` writes one per line. */
import type { SizeRemark } from '../../data/checks/size.ts';
import type { StructureChoice } from '../../documents/flows.ts';
import type { RanksDocument } from '../../documents/result.ts';
import type { YardsticksDocument } from '../../documents/yardsticks.ts';
import type { Grid } from '../../evaluate/grid.ts';
import type { Phase } from '../../model/contract.ts';

export interface StartEvent {
  event: 'start';
  run: string;
  model: string;
  dataset: string;
  scenarios: string[];
  tasks: string[];
  rows: { train: number; validation: number; test: number };
  denseParameters: number;
  tableRows: number;
  embeddingDim: number;
  /** Decay of the id embeddings, by field. */
  idDecay?: Record<string, number>;
  /** As the configuration names it. */
  device: string;
  /** What computes: `node` is the CPU, `web` WASM. */
  backend: string;
  resumed: boolean;
  /** Over ranks: where they have the rows of tables, and why. */
  ranks?: RanksDocument;
  /** Of models built from a verdict on flows. */
  structure?: StructureChoice;
  /** What the size of the data means: what can hardly be learned or told apart. */
  size: SizeRemark[];
}

export interface PhaseEvent {
  event: 'phase';
  phase: Phase;
  epochs: number;
  steps: number;
}

/** Sent at most a few times a second. */
export interface ProgressEvent {
  event: 'progress';
  phase: Phase;
  /** 1-based. */
  epoch: number;
  epochs: number;
  step: number;
  steps: number;
  rowsPerSecond: number;
  /** Seconds to the end of the phase if no epoch is skipped. */
  etaSeconds: number;
  /** Mean loss per task so far in this epoch. */
  losses: Record<string, number>;
  learningRate: number;
}

/** Sent by a warm start before its first epoch. */
export interface StartWeightsEvent {
  event: 'startWeights';
  /** The run that the weights come from. */
  warmStart: string;
  /** Metrics of the weights in the first phase. */
  validation: Grid;
  monitor: number | null;
}

export interface EpochEvent {
  event: 'epoch';
  phase: Phase;
  epoch: number;
  epochs: number;
  losses: Record<string, number>;
  /** Task weights at the end of the epoch. */
  taskWeights: Record<string, number>;
  validation: Grid;
  /** Value that early stopping monitors, at the end of the epoch; null if it is undefined. */
  monitor: number | null;
  /** Steps of the phase so far. */
  step: number;
  /** Was a validation of this epoch the best of its phase so far? */
  best: boolean;
  /** The step of that validation: `step`, or that of a validation within the epoch. */
  bestStep?: number;
  temperature?: number;
  seconds: number;
  rowsPerSecond: number;
}

/** A validation within an epoch. */
export interface ValidationEvent {
  event: 'validation';
  phase: Phase;
  /** From the beginning of the phase. */
  step: number;
  validation: Grid;
  monitor: number | null;
  best: boolean;
}

/** Share of rows of a scenario for which a flow is kept (its hard gate is 0). */
export interface FlowsEvent {
  event: 'flows';
  flows: string[];
  /** Split on which the shares were measured. */
  split: 'train';
  /** [scenario][task][flow]; null for a scenario without rows. */
  keep: (number | null)[][][];
  /** Rows per scenario. */
  rows: number[];
  scenarios: string[];
  tasks: string[];
}

export interface CheckpointEvent {
  event: 'checkpoint';
  path: string;
}

export interface WarningEvent {
  event: 'warning';
  message: string;
}

export interface InterruptedEvent {
  event: 'interrupted';
  run: string;
  checkpoint: string;
}

export interface ResultEvent {
  event: 'result';
  run: string;
  split: 'test';
  grid: Grid;
  seconds: number;
  /** Epochs run per phase. */
  epochs: Partial<Record<Phase, number>>;
  /** What simple predictors reach on the same rows, unless they are switched off. */
  yardsticks?: YardsticksDocument;
}

/** How a trial ended: a training that does not touch the test rows. */
export interface ValidatedEvent {
  event: 'validated';
  run: string;
  /** Is the training finished? If not, the requested epochs are done and it can continue. */
  ended: boolean;
  /** Epochs so far, of all phases. */
  epochs: number;
  /** Best monitored value of the current phase; null if it is undefined. */
  best: number | null;
  seconds: number;
}

export type TrainingEvent =
  | StartEvent
  | PhaseEvent
  | ProgressEvent
  | StartWeightsEvent
  | EpochEvent
  | ValidationEvent
  | FlowsEvent
  | CheckpointEvent
  | WarningEvent
  | InterruptedEvent
  | ResultEvent;

export type Emit = (event: TrainingEvent) => void;
