/** The model of a run: the finished one, or the best weights so far of an unfinished run. Its tensors are checked against its network. */

import { error } from '../../base/errors/index.ts';
import { runSchema } from '../../config/run.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { findModel } from '../../model/registry.ts';
import { type CheckpointInfo, listCheckpoints, loadCheckpoint } from '../../store/run/checkpoint.ts';
import { hasModel, type LoadedModel, loadModel, type ModelDescription } from '../../store/run/model-file.ts';
import { markOf, type RunRecord, runPaths } from '../../store/run/run-folder.ts';
import { checkFinite } from '../../store/tensors.ts';
import { bufferName } from '../graphs/forward.ts';
import { checkFit, clearPadding, modelTensor, type Tensors } from './fit.ts';
import { modelSizes } from './sizes.ts';

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

export interface TrainedModel {
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  /** Fields, scenarios, tasks and sequences of the data that it scores. */
  data: ModelDescription['data'];
  /** Width of a table row. */
  dimension: number;
  /**
   * Parameters by name, buffers as `buffer.NAME`, and the tables `embedding` and, with flow gates, `gateEmbedding`. Rows of padding
   * are zero.
   */
  tensors: Tensors;
}

/**
 * The model of a run.
 *
 * @param data the data whose rows are scored: for weights that were imported without data, and for those of a checkpoint
 * @param record the record of the run: weights of a checkpoint need it
 * @throws MODEL_UNKNOWN, MODEL_MISFIT, and errors of loadRunModel
 */
export function loadTrained(
  folder: string,
  record: RunRecord | undefined,
  data?: ModelDescription['data'],
  source?: RunSource,
): TrainedModel {
  const { description, tensors } = loadRunModel(folder, record, data, source);
  const model = findModel(description.model.key);
  const options = model.options.parse(description.model);
  if (data !== undefined && description.data.hash === '')
    checkFit(folder, description.data, `the data set ${data.name}`, data); // weights that were imported without a data set
  const scored = data ?? description.data;
  const sizes = modelSizes(scored);
  const { parameters, buffers, dimension } = networkOf(model, options, sizes);
  const table = [scored.tableRows, dimension];
  const expected: [string, readonly number[]][] = [
    ...parameters.map(({ name, shape }): [string, readonly number[]] => [name, shape]),
    ...buffers.map((spec): [string, readonly number[]] => [bufferName(spec), spec.shape]),
    ['embedding', table],
    ...(model.flowSelection === undefined ? [] : [['gateEmbedding', table] as [string, readonly number[]]]),
  ];
  const found: Tensors = new Map(expected.map(([name, shape]) => [name, modelTensor(folder, tensors, name, shape)]));
  clearPadding(found, scored.fields, dimension);
  return { model, options, sizes, data: scored, dimension, tensors: found };
}

/**
 * Reads the weights of a run and their description.
 *
 * @param record the record of the run; without it only the finished model can be read
 * @param data the run's data set; without it only the finished model can be read
 * @throws MODEL_MISSING, MODEL_NOT_FINITE, CHECKPOINT_MISSING, CHECKPOINT_PHASE, CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function loadRunModel(
  folder: string,
  record: RunRecord | undefined,
  data?: ModelDescription['data'],
  { checkpoint, onEvent = () => {} }: RunSource = {},
): LoadedModel {
  if (checkpoint === undefined && (hasModel(folder) || data === undefined)) return loadModel(folder);
  const { checkpoints } = runPaths(folder);
  const known = listCheckpoints(checkpoints);
  const name = checkpoint ?? known.find((one) => one.name === BEST)?.name;
  if (name === undefined || data === undefined || record === undefined)
    throw error('MODEL_MISSING', { folder, checkpoints: known.length });
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

/** Names of tensors that only training reads: moments, what the weighting of tasks learns, what ids owe, averages. */
const OF_TRAINING = /^(moment|weighting|idDecay|average)\./;
