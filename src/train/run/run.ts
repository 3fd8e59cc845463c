/** Continues a run folder to its end: the entry of the training thread. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { type RunConfig, runSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { openPart, openRunData } from '../../inference/model/run-data.ts';
import { models } from '../../model/registry.ts';
import { lockFolder } from '../../store/lock.ts';
import { latestCheckpoint, loadCheckpoint } from '../../store/run/checkpoint.ts';
import {
  markOf,
  modelFiles,
  openLogs,
  openRun,
  type RunRecord,
  readFlows,
  runPaths,
} from '../../store/run/run-folder.ts';
import { checkFinite } from '../../store/safetensors.ts';
import type { InterruptedEvent, ResultEvent, ValidatedEvent } from './events.ts';
import { Training, type TrainingRequest, type TrialLimit } from './loop.ts';
import { type Setup, setUp, startWeights } from './setup.ts';
import { initialState, type LoopState, restoreTensors } from './state.ts';
import { applyWarmStart } from './warm-start.ts';

/**
 * Trains until the run is done or a stop is requested, and locks the folder for this process.
 *
 * @throws any error of the rooms that it uses; the run folder keeps its last checkpoint
 */
export const runTraining = (request: TrainingRequest): Promise<ResultEvent | InterruptedEvent> =>
  inFolder(
    request,
    (data) => data,
    (training) => training.run(),
  );

/**
 * Trains up to a limit and never reads test rows. A later call with more epochs or steps continues; after epochs, with the bits of an
 * uninterrupted training.
 *
 * @throws errors of runTraining
 */
export const runTrial = (
  request: TrainingRequest,
  limit: TrialLimit = {},
): Promise<ValidatedEvent | InterruptedEvent> => inFolder(request, withoutTest, (training) => training.runTrial(limit));

function withoutTest(data: PreparedData): PreparedData {
  const guarded =
    <R>(read: (split: SplitName) => R) =>
    (split: SplitName): R => {
      if (split === 'test') throw new Error('a trial must not read test rows');
      return read(split);
    };
  return { ...data, open: guarded(data.open), batches: guarded(data.batches) };
}

async function inFolder<E>(
  request: TrainingRequest,
  reach: (data: PreparedData) => PreparedData,
  work: (training: Training) => Promise<E>,
): Promise<E> {
  const record = openRun(request.folder);
  if ('imported' in record.config) throw error('RUN_IMPORTED', { folder: request.folder });
  const unlock = lockFolder(request.folder);
  try {
    return await runLocked(request, record, reach, work);
  } finally {
    unlock();
  }
}

async function runLocked<E>(
  request: TrainingRequest,
  record: RunRecord,
  reach: (data: PreparedData) => PreparedData,
  work: (training: Training) => Promise<E>,
): Promise<E> {
  const config = runSchema.parse(record.config);
  await models.loadFiles(modelFiles(record));
  const data = reach(await openRunData(request.folder, record, request.data));
  const run = markOf(record);
  const setup: Setup = { ...(await setUp(config, data)), run };
  const { checkpoints } = runPaths(request.folder);
  const checkpoint =
    request.from === undefined ? latestCheckpoint(checkpoints, run) : loadCheckpoint(checkpoints, request.from, run);
  const state = (checkpoint?.state as LoopState | undefined) ?? {
    ...initialState(setup.sizes.tasks),
    ...readFlows(request.folder)?.cost, // the time of a run includes that of its flow test
  };
  if (checkpoint === undefined) await begin(setup, config);
  else {
    checkFinite(`${checkpoints}/${checkpoint.name}`, checkpoint.tensors, OLDER_CHECKPOINT);
    restoreTensors(setup, checkpoint.tensors);
  }

  const { metricsBytes: metrics, timingsBytes: timings, metricsSha256, timingsSha256 } = state;
  const logs = openLogs(request.folder, { metrics, timings, metricsSha256, timingsSha256 });
  const train = await openPart(data, 'train', config.train);
  const validation = await openPart(data, 'validation', config.train);
  try {
    const training = new Training({ request, record, setup, state, logs, train, validation });
    await training.announce(checkpoint !== undefined);
    return await work(training);
  } finally {
    await train.close();
    await validation.close();
    logs.close();
  }
}

const OLDER_CHECKPOINT =
  'Its training broke down before it was written: go on from an older checkpoint with --from, or train again with a lower train.learningRate';

async function begin(setup: Setup, config: RunConfig): Promise<void> {
  startWeights(setup, config.seed);
  if (config.warmStart !== undefined) await applyWarmStart(setup, config.warmStart);
}
