/** The model of a run: the finished one, or the best weights so far of an unfinished run. Its tensors are checked against its network. */

import { error } from '../../base/errors/index.ts';
import { runSchema } from '../../config/run.ts';
import { PADDING_ID } from '../../data/encode/ids.ts';
import type { Manifest } from '../../data/prepared/prepared.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { findModel } from '../../model/registry.ts';
import { type CheckpointInfo, listCheckpoints, loadCheckpoint } from '../../store/run/checkpoint.ts';
import {
  checkFinite,
  hasModel,
  type LoadedModel,
  loadModel,
  type ModelDescription,
  modelTensor,
} from '../../store/run/model-file.ts';
import { markOf, openRun, type RunRecord, runPaths } from '../../store/run/run-folder.ts';
import type { TensorView } from '../../store/safetensors.ts';
import { bufferName } from '../graphs/forward.ts';
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
  tensors: ReadonlyMap<string, TensorView & { data: Float32Array }>;
}

/** Names of the tables among the tensors. */
export const TABLES = ['embedding', 'gateEmbedding'] as const;
export type TableName = (typeof TABLES)[number];

/**
 * The model of a run.
 *
 * @param data the data whose rows are scored: for weights that were imported without data, and for those of a checkpoint
 * @param record the record of the run, if it has been read already
 * @throws MODEL_UNKNOWN, MODEL_MISFIT, and errors of loadRunModel
 */
export function loadTrained(
  folder: string,
  data?: ModelDescription['data'],
  source?: RunSource,
  record?: RunRecord,
): TrainedModel {
  const { description, tensors } = loadRunModel(folder, data, source, record);
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
  return clearPadding({
    model,
    options,
    sizes,
    data: scored,
    dimension,
    tensors: new Map(
      expected.map(([name, shape]) => [name, { shape, data: modelTensor(folder, tensors, name, shape) }]),
    ),
  });
}

/** Sets rows of padding to zero, because graphs read them. Training never updates them and kernels skip them. Returns the same model. */
export function clearPadding(trained: TrainedModel): TrainedModel {
  const { data, dimension, tensors } = trained;
  for (const name of TABLES)
    for (const { offset } of data.fields) {
      const padding = (offset + PADDING_ID) * dimension;
      tensors.get(name)?.data.fill(0, padding, padding + dimension);
    }
  return trained;
}

/** Throws MODEL_MISFIT unless the sizes of the data set that a model was trained on are those of `data`, which is named in the message. */
export function checkFit(
  model: string,
  trainedOn: ModelDescription['data'],
  name: string,
  data: Manifest | ModelDescription['data'],
): void {
  const compare = (what: string, there: number, here: number): string[] =>
    there === here ? [] : [`${here} ${what}, the model has ${there}`];
  const problems = [
    ...compare('fields', trainedOn.fields.length, data.fields.length),
    ...compare('scenarios', trainedOn.scenarios.length, data.scenarios.length),
    ...compare('tasks', trainedOn.tasks.length, data.tasks.length),
    ...compare('rows of the embedding table', trainedOn.tableRows, data.tableRows),
    ...(trainedOn.sequences === undefined
      ? []
      : [
          ...compare('types of sequences', trainedOn.sequences.types.length, data.sequences?.types.length ?? 0),
          ...compare('items in a sequence', trainedOn.sequences.length, data.sequences?.length ?? 0),
        ]),
  ];
  if (problems.length > 0) throw error('MODEL_MISFIT', { model, data: name, problems });
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

/** Names of tensors that only training reads: moments, what the weighting of tasks learns, what ids owe, averages. */
const OF_TRAINING = /^(moment|weighting|idDecay|average)\./;
