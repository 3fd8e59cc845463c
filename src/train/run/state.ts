/** The state of a run: the part of a checkpoint besides the tensors, and how both are restored. */

import type { PartSeconds } from '../../documents/parts.ts';
import { tableTensor, type Weights, weightTensors } from '../../inference/arena/weights.ts';
import { loadCheckpoint, type Position, saveCheckpoint, streamCheckpoint } from '../../store/run/checkpoint.ts';
import { runThrough } from '../../store/safetensors.ts';
import {
  copyInto,
  type StoredTensor,
  type TensorParts,
  type TensorStream,
  type TensorView,
} from '../../store/tensors.ts';
import { distribute, isOwned, streamOf } from '../ranks/shards.ts';
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
  tensors.map(([name, tensor]) => [name, { ...tensor, shape: [tensor.shape[0] * tensor.shape[1]] }]);

/** Writes a numbered checkpoint from which the run can continue, on any number of ranks. Only rank 0 writes; others return ''. */
export async function saveProgress(
  folder: string,
  setup: Setup,
  position: Position,
  state: LoopState,
): Promise<string> {
  const { weights, decay, average } = setup;
  const owed = decay === undefined ? [] : [decay.settled(), decay.kept()];
  const more = [...owed, ...(average?.tensors() ?? [])];
  return save(folder, setup, [...weightTensors(weights), ...momentTensors(weights), ...more], { position, state });
}

/** Writes only the weights, under a name (`rewind`, `best`); rank 0 alone. */
export async function saveSnapshot(folder: string, setup: Setup, position: Position, name: string): Promise<void> {
  await save(folder, setup, weightTensors(setup.weights), { position, state: null, name });
}

async function save(
  folder: string,
  { ranks, run, weights }: Setup,
  tensors: [string, TensorView | TensorParts][],
  what: { position: Position; state: unknown; name?: string },
): Promise<string> {
  if (weights.tables.shards === undefined)
    return ranks.rank === 0 ? saveCheckpoint(folder, { ...what, tensors, run }).name : '';
  const streams = streamed(ranks, tensors);
  if (ranks.rank === 0) return (await streamCheckpoint(folder, { ...what, tensors: streams, run })).name;
  await runThrough(streams);
  return '';
}

/** Tensors as rank 0 writes them: the whole of those that lie on several ranks. */
export const streamed = (
  ranks: Setup['ranks'],
  tensors: readonly [string, TensorView | TensorParts][],
): [string, TensorView | TensorParts | TensorStream][] =>
  tensors.map(([name, tensor]) => [name, isOwned(tensor) ? streamOf(ranks, tensor) : tensor]);

/**
 * Restores the tensors of a checkpoint, including moments if it has them. `only` selects tensors. Other ranks than 0 have none; they
 * get their rows of tables that lie on several ranks, and must call this together.
 */
export async function restoreTensors(
  { ranks, weights, decay, average }: Pick<Setup, 'ranks' | 'weights' | 'decay' | 'average'>,
  tensors: ReadonlyMap<string, StoredTensor> | undefined,
  only: (name: string) => boolean = () => true,
): Promise<void> {
  const more = [...(decay === undefined ? [] : [decay.settled()]), ...(average?.tensors() ?? [])];
  for (const [name, tensor] of [...weightTensors(weights), ...momentTensors(weights), ...more]) {
    const stored = only(name) ? tensors?.get(name) : undefined;
    if (isOwned(tensor)) await distribute(ranks, tensor, stored);
    else if (stored !== undefined) copyInto(tensor.parts, stored);
  }
  if (tensors !== undefined) decay?.restoreKept(tensors);
}

/** Restores a snapshot's parameters and table, except those that `keep` names. Rank 0 reads it; all call this together. */
export async function restoreSnapshot(
  folder: string,
  setup: Setup,
  name: string,
  keep: (name: string) => boolean = () => false,
): Promise<void> {
  const tensors = setup.ranks.rank === 0 ? loadCheckpoint(folder, name, setup.run).tensors : undefined;
  await restoreTensors(setup, tensors, (tensor) => !keep(tensor));
}
