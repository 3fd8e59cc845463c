/**
 * Warm start: training on new data starts from an older model. Dense parameters are copied. Table rows are copied by field and token,
 * even if the id has changed. Rows of new tokens keep their random initial values.
 */

import { error } from '../../base/errors/index.ts';
import { shareJson } from '../../comm/json.ts';
import {
  OUT_OF_VOCABULARY_ID,
  PADDING_ID,
  type PreparedField,
  type PreparedSequences,
  RESERVED_IDS,
} from '../../data/encode/ids.ts';
import type { Manifest, PreparedData } from '../../data/prepared/prepared.ts';
import { bufferViews, tableTensor, view } from '../../inference/arena/weights.ts';
import { bufferName } from '../../inference/graphs/forward.ts';
import { openRunData } from '../../inference/model/run-data.ts';
import type { ParameterSpec } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { type LoadedModel, loadModel } from '../../store/run/model-file.ts';
import { openRun } from '../../store/run/run-folder.ts';
import type { StoredTensor } from '../../store/tensors.ts';
import { distributeRows, isOwned, reader } from '../ranks/shards.ts';
import type { Setup } from './setup.ts';

/** What must be equal in both runs of a warm start. */
export interface WarmStartTarget {
  /** Key of the model, and the parameters of its options. */
  key: string;
  specs: readonly ParameterSpec[];
  /** Numbers per row of its embedding table. */
  dimension: number;
  manifest: Manifest;
}

/**
 * Reads the weights of a finished run for a warm start.
 *
 * @throws WARM_START_MISMATCH when model, options, scenarios, tasks or fields differ; RUN_NOT_FOUND, MODEL_MISSING; MODEL_UNBOUND
 *   for imported weights without a data set, whose table rows have no tokens
 */
export function readWarmStart(run: string, { key, specs, dimension, manifest }: WarmStartTarget): LoadedModel {
  const { data } = openRun(run);
  const loaded = loadModel(run);
  if (data.folder === '') throw error('MODEL_UNBOUND', { run });
  const { description, tensors } = loaded;
  const names = (of: { fields: readonly { name: string }[] }): string => of.fields.map((field) => field.name).join();
  const problems = [
    ...different('model', description.model.key, key),
    ...different('scenarios', description.data.scenarios.join(), manifest.scenarios.join()),
    ...different('tasks', description.data.tasks.join(), manifest.tasks.join()),
    ...different('fields', names(description.data), names(manifest)),
    ...(description.data.sequences && manifest.sequences
      ? different('sequences', sequenceNames(description.data.sequences), sequenceNames(manifest.sequences))
      : []),
    ...different('numbers per embedding', String(tensors.get('embedding')?.shape[1]), String(dimension)),
    ...specs.flatMap(({ name, shape }) =>
      different(`parameter ${name}`, tensors.get(name)?.shape.join() ?? 'none', shape.join()),
    ),
  ];
  if (problems.length > 0) throw error('WARM_START_MISMATCH', { run, problems });
  return loaded;
}

/** Overwrites the initial weights with those of a finished run, which rank 0 reads. Throws the errors of readWarmStart. */
export async function applyWarmStart(setup: Setup, run: string): Promise<void> {
  const old = setup.ranks.rank === 0 ? await readOld(setup, run) : undefined;
  await copyRows(setup, old);
}

/** Old rows of a table, and the new one of each; -1 where there is none. */
interface OldRows {
  table: StoredTensor;
  targets: Int32Array;
}

/** Overwrites all but the table. */
async function readOld(setup: Setup, run: string): Promise<OldRows> {
  const { weights, model, options } = setup;
  const { parameters: specs } = networkOf(model, options, setup.sizes);
  const { manifest } = setup.data;
  const { dimension } = weights.tables;
  const { description, tensors } = readWarmStart(run, { key: model.key, specs, dimension, manifest });
  for (const { name } of specs) view(weights, name).set(tensors.get(name)?.data as Float32Array);
  for (const [spec, numbers] of bufferViews(weights)) {
    const stored = tensors.get(bufferName(spec))?.data;
    if (stored?.length === numbers.length) numbers.set(stored as Float32Array);
  }

  const old = await openOldData(run, setup);
  const targets = new Int32Array(description.data.tableRows).fill(-1);
  for (const field of manifest.fields) {
    const before = description.data.fields.find((f) => f.name === field.name) as PreparedField;
    const rows = matchRows(before, field, await old.tokens(field.name), await setup.data.tokens(field.name));
    for (const [from, to] of rows) targets[before.offset + from] = field.offset + to;
  }
  return { table: tensors.get('embedding') as StoredTensor, targets };
}

/** Old rows that are copied at a time. */
const ROWS = 1 << 18;

/** Copies rows that rank 0 has into the table. */
async function copyRows({ ranks, weights: { tables } }: Setup, old: OldRows | undefined): Promise<void> {
  const { dimension: D } = tables;
  const [[, table]] = tableTensor('embedding', tables, 'embedding');
  const count = await shareJson(ranks, old?.targets.length);
  const take = old && reader(old.table);
  for (let at = 0; at < count; at += ROWS) {
    const numbers = take?.(Math.min(ROWS, count - at) * D) as Float32Array | undefined;
    const given = old && numbers && kept(old.targets.subarray(at, at + ROWS), numbers, D);
    if (isOwned(table)) await distributeRows(ranks, table, given);
    else
      given?.rows.forEach((row, i) => {
        tables.row('embedding', row).set(given.numbers.subarray(i * D, (i + 1) * D));
      });
  }
}

/** Rows that have a target, under it. */
function kept(targets: Int32Array, numbers: Float32Array, D: number): { rows: Int32Array; numbers: Float32Array } {
  let count = 0;
  targets.forEach((target, i) => {
    if (target >= 0) numbers.copyWithin(count++ * D, i * D, (i + 1) * D);
  });
  return { rows: targets.filter((target) => target >= 0), numbers: numbers.subarray(0, count * D) };
}

/** The data set that the run's weights were trained on: its vocabularies give the token of each table row. */
async function openOldData(run: string, { data, config }: Setup): Promise<PreparedData> {
  const record = openRun(run);
  if (config.warmStartData === undefined && record.data.hash === data.manifest.hash) return data;
  return openRunData(run, record, config.warmStartData, '--warm-start-data');
}

/** Pairs [old id, new id] of a field: the reserved ids, and equal tokens. Hashed fields have no tokens: ids match if the sizes are equal. */
function matchRows(before: PreparedField, field: PreparedField, old: string[], now: string[]): [number, number][] {
  if (now.length === 0)
    return before.size === field.size ? Array.from({ length: field.size }, (_, id) => [id, id]) : [];
  const oldIds = new Map(old.map((token, id) => [token, id]));
  const pairs: [number, number][] = [
    [PADDING_ID, PADDING_ID],
    [OUT_OF_VOCABULARY_ID, OUT_OF_VOCABULARY_ID],
  ];
  now.forEach((token, id) => {
    const from = oldIds.get(token);
    if (id >= RESERVED_IDS && from !== undefined && from >= RESERVED_IDS) pairs.push([from, id]);
  });
  return pairs;
}

const sequenceNames = ({ types, itemField }: PreparedSequences): string => `${types.join()} of ${itemField}`;

const different = (what: string, found: string, expected: string): string[] =>
  found === expected ? [] : [`${what}: ${found} there, ${expected} here`];
