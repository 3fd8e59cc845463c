/** The state of a run: the part of a checkpoint besides the tensors, and how both are restored. */

import type { PartSeconds } from '../../documents/parts.ts';
import { tableTensor, type Weights, weightTensors } from '../../inference/arena/weights.ts';
import { loadCheckpoint, type Position, saveCheckpoint } from '../../store/run/checkpoint.ts';
import { copyInto, type StoredTensor, type TensorParts } from '../../store/safetensors.ts';
import type { WeightingState } from '../weighting/index.ts';
import type { Setup } from './setup.ts';

/** Plain JSON. Together with weights and moments it determines the rest of the run. */
export interface LoopState {
  /** Index into the run's phases. */
  phase: number;
  /** Epochs done in this phase, batches done in this epoch, steps done in this phase. */
  epoch: number;
  batch: number;
  step: number;
  /** State of the task weighting in this phase. */
  weighting: WeightingState;
  /** Sums of the step losses of this epoch, and how many steps had a label, per task. */
  lossSums: number[];
  lossSteps: number[];
  /** Best monitored value of this phase so far, and validations since. */
  best: number | null;
  epochsSinceBest: number;
  /** The step of the phase at which the best value was measured; checkpoints of older versions lack it. */
  bestStep?: number;
  /** The phase has ended, by patience or by its last epoch. */
  ended: boolean;
  /** Epochs run, per phase. */
  epochs: number[];
  /** Keep-rates [S][T][flow] once gates are frozen, and the rows they were measured on. */
  keep: { rates: (number | null)[][][]; rows: number[] } | null;
  /** Lengths of the run's logs. */
  metricsBytes: number;
  timingsBytes: number;
  /** SHA-256 of the logs; checkpoints of version 0.1 lack them. */
  metricsSha256?: string;
  timingsSha256?: string;
  /** Wall time so far, and processor time of the process that trains; checkpoints of older versions lack the latter. */
  seconds: number;
  processorSeconds?: number;
  /** What the processor time was spent on; checkpoints of older versions lack it. */
  parts?: PartSeconds;
}

export const initialState = (tasks: number): LoopState => ({
  phase: 0,
  epoch: 0,
  batch: 0,
  step: 0,
  weighting: {},
  lossSums: new Array<number>(tasks).fill(0),
  lossSteps: new Array<number>(tasks).fill(0),
  best: null,
  epochsSinceBest: 0,
  ended: false,
  epochs: [],
  keep: null,
  metricsBytes: 0,
  timingsBytes: 0,
  seconds: 0,
});

const momentTensors = ({ denseMoments, tables }: Weights): [string, TensorParts][] => [
  ...denseMoments.map(({ view }, i): [string, TensorParts] => [
    `moment.dense.${i + 1}`,
    { shape: [view.length], parts: [view] },
  ]),
  ...flat(tableTensor('moment.table.1', tables, 'firstMoment')),
  ...flat(tableTensor('moment.table.2', tables, 'secondMoment')),
];

/** Moments have been vectors since the first checkpoints. */
const flat = (tensors: [string, TensorParts][]): [string, TensorParts][] =>
  tensors.map(([name, { shape, parts }]) => [name, { shape: [shape[0] * shape[1]], parts }]);

/** Writes a numbered checkpoint from which the run can continue, on any number of ranks. Only rank 0 writes; others return ''. */
export function saveProgress(folder: string, setup: Setup, position: Position, state: LoopState): string {
  if (setup.ranks.rank > 0) return '';
  const { weights, decay, average } = setup;
  const more = [...(decay?.tensors() ?? []), ...(average?.tensors() ?? [])];
  const tensors = [...weightTensors(weights), ...momentTensors(weights), ...more];
  return saveCheckpoint(folder, { position, state, tensors, run: setup.run }).name;
}

/** Writes only the weights, under a name (`rewind`, `best`); rank 0 alone. */
export function saveSnapshot(folder: string, setup: Setup, position: Position, name: string): void {
  if (setup.ranks.rank > 0) return;
  saveCheckpoint(folder, { position, state: null, tensors: weightTensors(setup.weights), name, run: setup.run });
}

/** Restores the tensors of a checkpoint, including moments if it has them. `only` selects tensors. */
export function restoreTensors(
  setup: Pick<Setup, 'weights' | 'decay' | 'average'>,
  tensors: ReadonlyMap<string, StoredTensor>,
  only: (name: string) => boolean = () => true,
): void {
  for (const [name, { parts }] of [...weightTensors(setup.weights), ...momentTensors(setup.weights)]) {
    const stored = tensors.get(name);
    if (stored !== undefined && only(name)) copyInto(parts, stored);
  }
  setup.decay?.restore(tensors);
  setup.average?.restore(tensors);
}

/** Restores a snapshot's parameters and table, except those that `keep` names. */
export function restoreSnapshot(
  folder: string,
  setup: Setup,
  name: string,
  keep: (name: string) => boolean = () => false,
): void {
  restoreTensors(setup, loadCheckpoint(folder, name, setup.run).tensors, (tensor) => !keep(tensor));
}
