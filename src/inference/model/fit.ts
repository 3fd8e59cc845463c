/** Do the tensors of a model fit its network, and its sizes the data? */
import { error } from '../../base/errors/index.ts';
import { PADDING_ID } from '../../data/encode/ids.ts';
import type { Manifest } from '../../data/prepared/prepared.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';
import { FileTensor, type StoredTensor, type TensorView } from '../../store/tensors.ts';
import type { TableName } from '../../tables/contract.ts';

/** Tensors of a model by name. Large tables stay in their file. */
export type Tensors = ReadonlyMap<string, TensorView & { data: Float32Array }>;

/** Names of the tables among the tensors. */
export const TABLES = ['embedding', 'gateEmbedding'] as const satisfies readonly TableName[];

/** A required tensor of a model. Throws RUN_DAMAGED. */
export function modelTensor(
  folder: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  shape: readonly number[],
): TensorView & { data: Float32Array } {
  const stored = tensors.get(name);
  if (stored !== undefined && isFloats(stored) && stored.shape.join() === shape.join()) return stored;
  const found = stored === undefined ? 'no tensor' : `${stored.dtype} [${stored.shape}]`;
  throw error('RUN_DAMAGED', {
    path: folder,
    problem: `the model file has ${found} for ${name}, expected F32 [${shape}]`,
  });
}

const isFloats = (tensor: TensorView): tensor is TensorView & { data: Float32Array } =>
  tensor instanceof FileTensor || tensor.data instanceof Float32Array;

/** Sets rows of padding to zero, because graphs read them. Training never updates them and kernels skip them. */
export function clearPadding(tensors: Tensors, fields: readonly { offset: number }[], dimension: number): void {
  for (const name of TABLES)
    for (const { offset } of fields) {
      const padding = (offset + PADDING_ID) * dimension;
      const table = tensors.get(name);
      if (table instanceof FileTensor) table.clear(padding, padding + dimension);
      else table?.data.fill(0, padding, padding + dimension);
    }
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
