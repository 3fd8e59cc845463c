/** Trains runs over ranks within this process. */
import { memoryGroup } from '../../../src/comm/memory.ts';
import type { MetricsLine } from '../../../src/documents/run-log.ts';
import { readMetrics } from '../../../src/store/run/run-folder.ts';
import type { MemoryLimits } from '../../../src/tables/open.ts';
import type { Emit } from '../../../src/train/run/events.ts';
import { followTraining, runTraining } from '../../../src/train/run/run.ts';

/** Trains a run to its end, or until `steps` are done. */
export async function trainOver(
  folder: string,
  size: number,
  steps = Number.POSITIVE_INFINITY,
  limits?: MemoryLimits,
  emit: Emit = () => {},
): Promise<void> {
  const [lead, ...others] = memoryGroup(size);
  let done = 0;
  const shouldStop = (): boolean => ++done >= steps;
  await Promise.all([
    runTraining({ folder, limits, ranks: lead, emit, shouldStop }),
    ...others.map((ranks) => followTraining({ folder, limits, ranks, shouldStop: () => false })),
  ]);
}

const of = <K extends MetricsLine['kind']>(folder: string, kind: K) =>
  readMetrics(folder).filter((line): line is Extract<MetricsLine, { kind: K }> => line.kind === kind);

/** Losses of the tasks at the logged steps. */
export const lossesOf = (folder: string): number[] =>
  of(folder, 'step').flatMap(({ losses }) => Object.values(losses).map(Number));

/** AUC of the test rows. */
export const aucOf = (folder: string): number => Number(of(folder, 'result')[0].test.macro.auc);

/** Largest relative difference between the first losses. */
export const apart = (a: readonly number[], b: readonly number[], steps: number): number =>
  Math.max(...a.slice(0, steps).map((loss, i) => Math.abs(loss - b[i]) / Math.abs(loss)));

/** A small model. */
export const MLP = { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [6] };

/** A run with much that a run may be told to do: decay, averages, gradients of tasks, dropout, validation within epochs. */
export const MANY_OPTIONS = {
  model: { ...MLP, dropout: 0.2 },
  train: {
    optimizer: 'adamw',
    weightDecay: 0.01,
    idDecay: { user: 3, item: 2, tags: 1, place: 0 },
    weightAverage: 0.9,
    taskWeighting: { kind: 'pcgrad' },
    validationsPerEpoch: 2,
  },
};

/** Moments, whole-table updates, learned weights of tasks and sums over the batch. */
export const SGD_BATCH_NORM = {
  model: { ...MLP, norm: 'batch' },
  train: {
    optimizer: 'sgd',
    momentum: 0.9,
    tableUpdates: 'dense',
    learningRate: 0.1,
    taskWeighting: { kind: 'gradnorm' },
  },
};
