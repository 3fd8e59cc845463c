/** Loads batches into the arena. Graph inputs are views of its arrays. */
import { error } from '../../base/errors/index.ts';
import type { PreparedField } from '../../data/encode/ids.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import { type Arena, type FieldLayout, type Region, regionBytes } from '../../kernels/index.ts';
import type { SequenceSizes } from '../../model/contract.ts';
import type { Value } from '../../runtime/contract.ts';
import type { GatherRequest, TableName, TableStore } from '../../tables/contract.ts';
import { bufferName } from '../graphs/forward.ts';
import { bufferViews, view, type Weights } from './weights.ts';

/** How rows of ids become embeddings. */
export interface RowLayout {
  fields: FieldLayout[];
  slots: number;
  dimension: number;
  /** Behaviour sequences, for models that read them. */
  sequences?: SequenceLayout;
}

/** K sequences of a row, L ids each. */
export interface SequenceLayout {
  types: number;
  length: number;
  /** The id of padding: its embedding is zero, its mask 0. */
  padding: number;
  /** Every position of a sequence as a separate field, for the kernels. */
  places: FieldLayout[];
}

export const sequenceLayout = (
  { types, length }: { types: number; length: number },
  padding: number,
): SequenceLayout => ({
  types,
  length,
  padding,
  places: Array.from({ length }, (_, slot) => ({ slot, slots: 1, pooling: 'sum', padding })),
});

/**
 * Slots are in field order; a field's padding is its first id. `sequences`: those that the model reads; their items are table rows of
 * a field.
 */
export function rowLayout(fields: readonly PreparedField[], dimension: number, sequences?: SequenceSizes): RowLayout {
  let slot = 0;
  const layouts = fields.map((field): FieldLayout => {
    const layout = { slot, slots: field.slots, pooling: field.pooling, padding: field.offset };
    slot += field.slots;
    return layout;
  });
  return {
    fields: layouts,
    slots: slot,
    dimension,
    ...(sequences && { sequences: sequenceLayout(sequences, fields[sequences.itemField].offset) }),
  };
}

/** Arrays for the inputs that all graphs of a run share. */
export interface InputBuffers {
  capacity: number;
  ids: Region<Int32Array>;
  scenario: Region<Int32Array>;
  /** [B, F*D] */
  embedding: Region;
  /** [B, K, L] */
  sequenceIds: Region<Int32Array>;
  sequenceMask: Region;
  /** [B, K, L, D] */
  sequences: Region;
}

/** Ids of all sequences of a row: K * L, or 0 without sequences. */
export const sequenceSlots = ({ sequences }: RowLayout): number =>
  sequences === undefined ? 0 : sequences.types * sequences.length;

const inputLengths = (capacity: number, layout: RowLayout) => {
  const places = capacity * sequenceSlots(layout);
  return {
    ids: capacity * layout.slots,
    scenario: capacity,
    embedding: capacity * layout.fields.length * layout.dimension,
    sequenceIds: places,
    sequenceMask: places,
    sequences: places * layout.dimension,
  };
};

export const inputBytes = (capacity: number, layout: RowLayout): number =>
  Object.values(inputLengths(capacity, layout)).reduce((sum, length) => sum + regionBytes(length), 0);

export function allocateInputs(arena: Arena, capacity: number, layout: RowLayout): InputBuffers {
  const lengths = inputLengths(capacity, layout);
  return {
    capacity,
    ids: arena.ints(lengths.ids),
    scenario: arena.ints(lengths.scenario),
    embedding: arena.floats(lengths.embedding),
    sequenceIds: arena.ints(lengths.sequenceIds),
    sequenceMask: arena.floats(lengths.sequenceMask),
    sequences: arena.floats(lengths.sequences),
  };
}

/** Rows from the data. */
export type RowsToScore = Pick<Batch, 'size' | 'ids' | 'scenario' | 'row' | 'sequences'>;

/**
 * Copies ids and scenarios of a batch and gathers its embeddings, and those of its sequences, from a table. There is something to wait
 * for where rows lie on several ranks.
 *
 * @throws SEQUENCES_MISSING for a batch without the sequences that the layout has
 */
export function loadRows(
  layout: RowLayout,
  buffers: InputBuffers,
  batch: Pick<Batch, 'size' | 'ids' | 'scenario' | 'sequences'>,
  tables: TableStore,
  table: TableName = 'embedding',
): void | Promise<void> {
  const { size } = batch;
  buffers.ids.view.set(batch.ids.subarray(0, size * layout.slots));
  buffers.scenario.view.set(batch.scenario.subarray(0, size));
  const { slots, fields } = layout;
  const requests: GatherRequest[] = [{ ids: buffers.ids, rows: size, slots, fields, out: buffers.embedding }];
  if (layout.sequences !== undefined) requests.push(loadSequences(layout.sequences, buffers, batch));
  return tables.gather(table, requests);
}

function loadSequences(
  { types, length, padding, places }: SequenceLayout,
  buffers: InputBuffers,
  { size, sequences }: Pick<Batch, 'size' | 'sequences'>,
): GatherRequest {
  if (sequences === undefined) throw error('SEQUENCES_MISSING', {});
  const count = size * types * length;
  const ids = sequences.subarray(0, count);
  buffers.sequenceIds.view.set(ids);
  for (let i = 0; i < count; i++) buffers.sequenceMask.view[i] = ids[i] === padding ? 0 : 1;
  return { ids: buffers.sequenceIds, rows: size * types, slots: length, fields: places, out: buffers.sequences };
}

/** Feeds of the rows that `loadRows` loaded. */
export function rowFeeds(
  { fields, dimension, sequences }: RowLayout,
  buffers: InputBuffers,
): Record<string, (rows: { size: number }) => Value> {
  return {
    embedding: ({ size }) => rowsOf(buffers.embedding, size, fields.length * dimension),
    scenario: ({ size }) => rowsOf(buffers.scenario, size),
    ...(sequences && {
      sequences: ({ size }) => rowsOf(buffers.sequences, size, sequences.types, sequences.length, dimension),
      sequenceMask: ({ size }) => rowsOf(buffers.sequenceMask, size, sequences.types, sequences.length),
    }),
  };
}

/** A prefix of an array as a tensor [size, ...rest]. */
export function rowsOf(
  region: Pick<Region<Float32Array> | Region<Int32Array>, 'view'>,
  size: number,
  ...rest: number[]
): Value {
  const shape = [size, ...rest];
  const count = shape.reduce((product, dim) => product * dim, 1);
  return {
    type: region.view instanceof Float32Array ? 'float32' : 'int32',
    shape,
    data: region.view.subarray(0, count),
  };
}

export const scalarValue = (value: number): Value => ({ type: 'float32', shape: [], data: Float32Array.of(value) });

/** Feeds of scalars that change between runs, such as schedules. */
export const scalarFeeds = (
  names: readonly string[],
): Record<string, (rows: { scalars?: Readonly<Record<string, number>> }) => Value> =>
  Object.fromEntries(names.map((name) => [name, ({ scalars = {} }) => scalarValue(scalars[name])]));

/** Every dense parameter and every buffer, as views of their vectors. */
export const parameterFeeds = (weights: Weights): Record<string, Value> => {
  const value = (shape: readonly number[], data: Float32Array): Value => ({ type: 'float32', shape, data });
  return Object.fromEntries([
    ...weights.specs.map(({ name, shape }) => [name, value(shape, view(weights, name))]),
    ...bufferViews(weights).map(([spec, numbers]) => [bufferName(spec), value(spec.shape, numbers)]),
  ]);
};
