/** What a training run tells while it works: the command line prints these, `--json` writes one per line. */
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
  backend: string;
  resumed: boolean;
}

export interface PhaseEvent {
  event: 'phase';
  phase: Phase;
  epochs: number;
  steps: number;
}

/** Sent a few times a second at most. */
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

/** Of a warm start, before its first epoch. */
export interface StartWeightsEvent {
  event: 'startWeights';
  /** The run whose weights these are. */
  warmStart: string;
  /** The weights as the first phase takes them up. */
  validation: Grid;
  monitor: number | null;
}

export interface EpochEvent {
  event: 'epoch';
  phase: Phase;
  epoch: number;
  epochs: number;
  losses: Record<string, number>;
  /** Weights of the tasks' losses at its end. */
  taskWeights: Record<string, number>;
  validation: Grid;
  /** Value that early stopping watches; null when it is undefined. */
  monitor: number | null;
  best: boolean;
  temperature?: number;
  seconds: number;
  rowsPerSecond: number;
}

/** Share of rows of a scenario for which a flow is kept (its hard gate is 0). */
export interface FlowsEvent {
  event: 'flows';
  flows: string[];
  /** Split that the shares were measured on. */
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
}

/** How a trial ended: a training that does not touch the test rows. */
export interface ValidatedEvent {
  event: 'validated';
  run: string;
  /** The training is through; else it has had the epochs that were asked for, and can go on. */
  ended: boolean;
  /** Epochs so far, of all phases. */
  epochs: number;
  /** Best monitored value of the phase that it stands in; null where it is undefined. */
  best: number | null;
  seconds: number;
}

export type TrainingEvent =
  | StartEvent
  | PhaseEvent
  | ProgressEvent
  | StartWeightsEvent
  | EpochEvent
  | FlowsEvent
  | CheckpointEvent
  | WarningEvent
  | InterruptedEvent
  | ResultEvent;

export type Emit = (event: TrainingEvent) => void;
