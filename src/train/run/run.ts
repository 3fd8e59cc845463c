/** Continues a run folder to its end: the entry of the training thread. */

import { error } from '../../base/errors/index.ts';
import type { Collective } from '../../comm/contract.ts';
import { shareJson } from '../../comm/json.ts';
import { coresOf } from '../../comm/launched.ts';
import { localCollective } from '../../comm/local.ts';
import type { SplitName } from '../../config/dataset.ts';
import { type RunConfig, runSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { openPart, openRunData } from '../../inference/model/run-data.ts';
import { models } from '../../model/registry.ts';
import { lockFolder } from '../../store/lock.ts';
import { type Checkpoint, latestCheckpoint, loadCheckpoint } from '../../store/run/checkpoint.ts';
import {
  markOf,
  modelFiles,
  openLogs,
  openRun,
  type RunRecord,
  readFlows,
  runPaths,
} from '../../store/run/run-folder.ts';
import { checkFinite } from '../../store/tensors.ts';
import { noLogs, shareWeights } from '../ranks/share.ts';
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
 * Trains as one of several ranks, not rank 0, which trains the same run by `runTraining`. Ends when rank 0 begins to measure the model.
 *
 * @throws errors of runTraining
 */
export const followTraining = (
  request: Omit<TrainingRequest, 'from' | 'emit'> & { ranks: Collective },
): Promise<void> =>
  runIn(
    { ...request, emit: () => {} },
    undefined,
    (data) => data,
    (training) => training.follow(),
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
  const record = openTrainable(request.folder);
  const unlock = lockFolder(request.folder);
  try {
    return await runIn(request, record, reach, work);
  } finally {
    unlock();
  }
}

function openTrainable(folder: string): RunRecord {
  const record = openRun(folder);
  if ('imported' in record.config) throw error('RUN_IMPORTED', { folder });
  return record;
}

/** `own`: the record of the run on rank 0; the other ranks need not see its folder. */
async function runIn<E>(
  request: TrainingRequest,
  own: RunRecord | undefined,
  reach: (data: PreparedData) => PreparedData,
  work: (training: Training) => Promise<E>,
): Promise<E> {
  const ranks = request.ranks ?? localCollective();
  const record = await shareJson(ranks, own);
  const config = withCores(runSchema.parse(record.config), ranks);
  await models.loadFiles(modelFiles(record));
  const data = reach(await openRunData(request.folder, record, request.data));
  const run = markOf(record);
  const setup: Setup = { ...(await setUp(config, data, { ranks, limits: request.limits })), run };
  const { state, resumed } = await loadStart(request, setup);
  const { metricsBytes: metrics, timingsBytes: timings, metricsSha256, timingsSha256 } = state;
  const kept = { metrics, timings, metricsSha256, timingsSha256 };
  const logs = ranks.rank === 0 ? openLogs(request.folder, kept) : noLogs();
  const train = await openPart(data, 'train', config.train);
  const validation = await openPart(data, 'validation', config.train);
  try {
    const training = new Training({ request, record, setup, state, logs, train, validation });
    if (ranks.rank === 0) await training.announce(resumed);
    return await work(training);
  } finally {
    await train.close();
    await validation.close();
    logs.close();
  }
}

/** Loads weights and state: of a checkpoint, which rank 0 reads, or for the first step. */
async function loadStart(request: TrainingRequest, setup: Setup): Promise<{ state: LoopState; resumed: boolean }> {
  const { ranks, config } = setup;
  const checkpoint = ranks.rank === 0 ? findCheckpoint(request, setup) : undefined;
  const start = await shareJson(ranks, ranks.rank === 0 ? startOf(request, setup, checkpoint) : undefined);
  if (start.resumed) await restoreTensors(setup, checkpoint?.tensors);
  else await begin(setup, config);
  await shareWeights(setup);
  return start;
}

/** The checkpoint that a training goes on from; undefined: it starts. */
function findCheckpoint({ folder, from }: TrainingRequest, { run }: Setup): Checkpoint | undefined {
  const { checkpoints } = runPaths(folder);
  const found = from === undefined ? latestCheckpoint(checkpoints, run) : loadCheckpoint(checkpoints, from, run);
  if (found !== undefined) checkFinite(`${checkpoints}/${found.name}`, found.tensors, OLDER_CHECKPOINT);
  return found;
}

/** The state that it goes on from, or starts with. */
function startOf(
  { folder }: TrainingRequest,
  { sizes }: Setup,
  checkpoint: Checkpoint | undefined,
): { state: LoopState; resumed: boolean } {
  if (checkpoint !== undefined) return { state: checkpoint.state as LoopState, resumed: true };
  const { cost } = readFlows(folder) ?? {}; // the time of a run includes that of its flow test
  return { state: { ...initialState(sizes.tasks), ...cost }, resumed: false };
}

/** Ranks of one machine share its cores, unless the run says how many threads each takes. */
function withCores(config: RunConfig, ranks: Collective): RunConfig {
  return { ...config, threads: config.threads ?? coresOf(ranks) };
}

const OLDER_CHECKPOINT =
  'Its training broke down before it was written: go on from an older checkpoint with --from, or train again with a lower train.learningRate';

/** The weights before the first step, on all ranks: all draw the same numbers. */
async function begin(setup: Setup, config: RunConfig): Promise<void> {
  startWeights(setup, config.seed);
  if (config.warmStart !== undefined) await applyWarmStart(setup, config.warmStart);
}
