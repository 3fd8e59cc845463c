/** Weights with the names, shapes and orders of a published implementation: into a run folder, and out of one. */

import { error } from '../base/errors/index.ts';
import { checkOurs, readText } from '../base/files.ts';
import { isRecord } from '../base/json.ts';
import { versions } from '../base/version.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import { bufferName, isBufferName } from '../inference/graphs/forward.ts';
import { checkFit } from '../inference/model/fit.ts';
import { describeData, openRunData } from '../inference/model/run-data.ts';
import { modelSizes } from '../inference/model/sizes.ts';
import { loadRunModel, type RunSource } from '../inference/model/trained.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../model/contract.ts';
import { networkOf } from '../model/network.ts';
import { findModel, models } from '../model/registry.ts';
import { hasModel, type ModelDescription, saveModel } from '../store/run/model-file.ts';
import { createRun, modelFiles, openRun } from '../store/run/run-folder.ts';
import { readSafetensors, writeSafetensors } from '../store/safetensors.ts';
import type { StoredTensor, TensorView } from '../store/tensors.ts';
import type { RunPlace } from '../train/run/new-run.ts';
import { arranged, placeReference } from './arrangement.ts';
import type { ReferenceLayout, ReferenceTensor } from './contract.ts';
import { layouts } from './registry.ts';

export interface ImportRequest {
  /** Key of the model. */
  model: string;
  /**
   * Safetensors file: the reference's names, or those names behind `param.` (then other tensors are left aside). Moving averages
   * and the like stand behind `buffer.` in both.
   */
  weights: string;
  /** JSON file: the reference's configuration, flat or as its entry `config`. */
  config: string;
  place: RunPlace;
  /** The data set that the weights score. Default: named when the run is used. */
  data?: PreparedData;
}

/**
 * Makes a run folder with imported weights, ready for evaluation and prediction. Returns its path.
 *
 * @throws MODEL_UNKNOWN, IMPORT_UNSUPPORTED, CONFIG_INVALID, CONFIG_UNREADABLE, MODEL_MISFIT, IMPORT_MISMATCH (every tensor that is
 *   missing, unexpected or of another shape), FILE_MISSING, SAFETENSORS_INVALID, RUN_EXISTS
 */
export function importWeights({ model: key, weights, config: configPath, place, data }: ImportRequest): string {
  const model = findModel(key);
  const layout = layoutOf(model.key);
  const config = readReferenceConfig(configPath, layout);
  const { options, sizes, tableRows } = layout.read(config);
  const description = data === undefined ? unboundData(sizes, tableRows) : describeData(data.manifest);
  if (data !== undefined) checkFit(configPath, unboundData(sizes, tableRows), data.folder, data.manifest);

  const found = referenceTensors(readSafetensors(weights).tensors);
  const wanted = exchanged(layout, options, sizes);
  const tables = tableNames(layout).map(([name]) => ({
    name,
    shape: [tableRows, networkOf(model, options, sizes).dimension],
  }));
  checkTensors(weights, found, [...wanted, ...tables]);

  const content = {
    model: key,
    config: { model: options, imported: { weights, config } },
    data: { name: description.name, folder: data?.folder ?? '', hash: description.hash },
    versions: versions(),
  };
  const { folder } = createRun(content, place);
  saveModel(folder, { version: 1, model: { ...options, key }, data: description }, [
    ...ourTensors(model, options, sizes, wanted, found),
    ...tableNames(layout).map(([name, ours]): [string, TensorView] => [ours, found.get(name) as StoredTensor]),
  ]);
  return folder;
}

/**
 * Writes the weights of a run with the reference's names. Executes the module files that the run names.
 *
 * @throws IMPORT_UNSUPPORTED, DISK_FULL, FILE_UNWRITABLE, and what loadRunModel and openRunData throw
 */
export async function exportWeights(
  run: string,
  path: string,
  source: RunSource = {},
): Promise<{ tensors: number; bytes: number }> {
  checkOurs(path, 'a file that this run made', () => false); // the authors' own file, more likely than not
  const record = openRun(run);
  await models.loadFiles(modelFiles(record));
  const isFinished = source.checkpoint === undefined && hasModel(run);
  const data = isFinished ? undefined : describeData((await openRunData(run, record, source.data)).manifest);
  const { description, tensors } = loadRunModel(run, record, data, source);
  const model = findModel(description.model.key);
  const options = model.options.parse(description.model);
  const layout = layoutOf(model.key, options);
  const sizes = modelSizes(description.data);
  const named = [
    ...exchanged(layout, options, sizes).map((tensor): [string, TensorView] => [
      tensor.name,
      { shape: tensor.shape, data: arranged(tensor, tensors.get(tensor.parameter)?.data as Float32Array) },
    ]),
    ...tableNames(layout).map(([name, ours]): [string, TensorView] => [name, tensors.get(ours) as StoredTensor]),
  ];
  return { tensors: named.length, bytes: writeSafetensors(path, named).bytes };
}

/** Parameters and buffers: `buffer.NAME` is a name of ours in the files of both sides. */
function exchanged(
  layout: ReferenceLayout<CommonOptions>,
  options: CommonOptions,
  sizes: ModelSizes,
): ReferenceTensor[] {
  const buffers = layout.buffers?.(options, sizes) ?? [];
  return [
    ...layout.tensors(options, sizes),
    ...buffers.map((tensor) => ({
      ...tensor,
      name: bufferName(tensor),
      parameter: bufferName({ name: tensor.parameter }),
    })),
  ];
}

/** No published implementation reads the products of pairs of fields. */
function layoutOf(key: string, { pairs = false }: Partial<CommonOptions> = {}): ReferenceLayout<CommonOptions> {
  const whole = [...layouts].filter(([, { table }]) => table !== undefined);
  const layout = new Map(whole).get(key);
  if (layout === undefined || pairs)
    throw error('IMPORT_UNSUPPORTED', { key, known: whole.map(([known]) => known), ...(pairs && { pairs }) });
  return layout;
}

/** The flat configuration of a JSON file. A `model` entry beside `config` must be one that the layout understands. */
function readReferenceConfig(path: string, { models }: ReferenceLayout<CommonOptions>): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(readText(path, "the reference's configuration (JSON)"));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw error('CONFIG_UNREADABLE', { path, problems: [cause.message] }, cause);
  }
  const mistake = (at: string, message: string) =>
    error('CONFIG_INVALID', { source: path, problems: [{ path: at, message }] });
  if (!isRecord(json)) throw mistake('', 'expected an object');
  if (!('config' in json)) return json;
  const { model, config } = json;
  if (typeof model === 'string' && !models.includes(model))
    throw mistake('model', `expected one of ${models.join(', ')}, found "${model}"`);
  if (!isRecord(config)) throw mistake('config', 'expected an object');
  return config;
}

const PARAMETER = 'param.';

/** The tensors by their reference names. In a file that marks parameters with a prefix, what is no buffer either is something else. */
function referenceTensors(all: Map<string, StoredTensor>): Map<string, StoredTensor> {
  const marked = [...all].filter(([name]) => name.startsWith(PARAMETER));
  if (marked.length === 0) return all;
  const buffers = [...all].filter(([name]) => isBufferName(name));
  return new Map([...marked.map(([name, tensor]) => [name.slice(PARAMETER.length), tensor] as const), ...buffers]);
}

function checkTensors(
  weights: string,
  found: ReadonlyMap<string, StoredTensor>,
  wanted: { name: string; shape: readonly number[] }[],
): void {
  const names = new Set(wanted.map(({ name }) => name));
  const problems = [
    ...wanted.flatMap(({ name, shape }) => {
      const tensor = found.get(name);
      if (tensor === undefined) return [`${name} is missing: expected [${shape}]`];
      if (tensor.shape.join() !== shape.join()) return [`${name} has shape [${tensor.shape}]: expected [${shape}]`];
      return tensor.data instanceof Float32Array ? [] : [`${name} is ${tensor.dtype}: expected F32, F16 or BF16`];
    }),
    ...[...found.keys()].filter((name) => !names.has(name)).map((name) => `${name} is not a tensor of this model`),
  ];
  if (problems.length > 0) throw error('IMPORT_MISMATCH', { weights, problems });
}

/** Our parameters and buffers, filled from the reference's tensors. */
function ourTensors(
  model: ModelDefinition,
  options: CommonOptions,
  sizes: ModelSizes,
  reference: ReferenceTensor[],
  found: ReadonlyMap<string, StoredTensor>,
): [string, TensorView][] {
  const { parameters, buffers } = networkOf(model, options, sizes);
  const specs = [...parameters, ...buffers.map((spec) => ({ name: bufferName(spec), shape: spec.shape }))];
  const ours = new Map(specs.map(({ name, shape }) => [name, { shape, data: new Float32Array(elements(shape)) }]));
  placeReference(
    reference,
    ({ name }) => found.get(name)?.data as Float32Array,
    (name) => ours.get(name)?.data as Float32Array,
  );
  return [...ours];
}

/** Reference names of the embedding tables, and ours. */
const tableNames = ({ table, gateTable }: ReferenceLayout<CommonOptions>): [string, string][] => [
  ...(table === undefined ? [] : [[table, 'embedding'] as [string, string]]),
  ...(gateTable === undefined ? [] : [[gateTable, 'gateEmbedding'] as [string, string]]),
];

/** Stands for the data until they are named: sizes alone, one id per field. */
const unboundData = ({ fields, scenarios, tasks }: ModelSizes, tableRows: number): ModelDescription['data'] => ({
  name: 'imported',
  hash: '',
  tableRows,
  fields: numbered('field', fields).map((name) => ({
    name,
    kind: 'categorical',
    offset: 0,
    size: tableRows,
    slots: 1,
    pooling: 'mean',
  })),
  scenarios: numbered('scenario', scenarios),
  tasks: numbered('task', tasks),
});

const numbered = (what: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${what}${i + 1}`);
const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
