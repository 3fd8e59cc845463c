/** A finished model: its tensors and their description, for evaluation, serving and export. */

import { PADDING_ID } from '../../data/encode/ids.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { findModel } from '../../model/registry.ts';
import { type ModelDescription, modelTensor } from '../../store/run/model-file.ts';
import type { RunRecord } from '../../store/run/run-folder.ts';
import type { TensorView } from '../../store/safetensors.ts';
import { bufferName } from '../graphs/forward.ts';
import { loadRunModel, type RunSource } from './run-model.ts';
import { modelSizes } from './sizes.ts';

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
 * @throws MODEL_UNKNOWN, and errors of loadRunModel
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

/** A table as the content of its file. */
export function tableBytes({ tensors }: TrainedModel, name: TableName): Uint8Array {
  const { data } = tensors.get(name) as TensorView & { data: Float32Array };
  const { buffer, byteOffset, byteLength } = data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
