/** The model of a run: the finished one, or the best weights so far of an unfinished run. */

import { error } from '../../base/errors/index.ts';
import { runSchema } from '../../config/run.ts';
import { findModel } from '../../model/registry.ts';
import { type CheckpointInfo, listCheckpoints, loadCheckpoint } from '../../store/run/checkpoint.ts';
import {
  checkFinite,
  hasModel,
  type LoadedModel,
  loadModel,
  type ModelDescription,
} from '../../store/run/model-file.ts';
import { markOf, openRun, type RunRecord, runPaths } from '../../store/run/run-folder.ts';

/** Selects the weights of a run and the folder of its data. */
export interface RunSource {
  /** Folder of the prepared data set, if it is not the one that the run recorded. */
  data?: string;
  /**
   * Name of a checkpoint of the last phase to take the weights from. Default: the finished model, or the checkpoint `best` of an
   * unfinished run.
   */
  checkpoint?: string;
  onEvent?: (event: WeightsEvent) => void;
}

/** The weights of a checkpoint are used instead of a finished model. */
export interface WeightsEvent {
  event: 'weights';
  checkpoint: CheckpointInfo;
}

/**
 * Reads the weights of a run and their description.
 *
 * @param data the run's data set; without it only the finished model can be read
 * @param run the record of the run, if it has been read already
 * @throws MODEL_MISSING, MODEL_NOT_FINITE, CHECKPOINT_MISSING, CHECKPOINT_PHASE, CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function loadRunModel(
  folder: string,
  data: ModelDescription['data'] | undefined,
  { checkpoint, onEvent = () => {} }: RunSource = {},
  run?: RunRecord,
): LoadedModel {
  if (checkpoint === undefined && (hasModel(folder) || data === undefined)) return loadModel(folder);
  const { checkpoints } = runPaths(folder);
  const known = listCheckpoints(checkpoints);
  const name = checkpoint ?? known.find((one) => one.name === BEST)?.name;
  if (name === undefined || data === undefined) throw error('MODEL_MISSING', { folder, checkpoints: known.length });
  const record = run ?? openRun(folder);
  const { tensors, ...info } = loadCheckpoint(checkpoints, name, markOf(record));
  const usable = (phase: string): boolean => phase !== 'search';
  if (!usable(info.position.phase)) {
    const others = known.filter(({ position }) => usable(position.phase)).map((one) => one.name);
    throw error('CHECKPOINT_PHASE', { folder, name, phase: info.position.phase, others });
  }
  const weights = new Map([...tensors].filter(([tensor]) => !OF_TRAINING.test(tensor)));
  checkFinite(`${checkpoints}/${name}`, weights);
  const { model } = runSchema.parse(record.config);
  const options = findModel(model.key).options.parse(model);
  onEvent({ event: 'weights', checkpoint: info });
  return { description: { version: 1, model: { ...options, key: model.key }, data }, tensors: weights };
}

/** The weights of the best epoch of the last phase. */
const BEST = 'best';

/** Names of tensors that only training reads: the optimiser's moments, and what the weighting of tasks learns. */
const OF_TRAINING = /^(moment|weighting)\./;
