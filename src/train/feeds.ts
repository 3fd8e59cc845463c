/** Batches into the arena: buffers that a graph's inputs are views of. */
import type { Batch, PreparedField } from '../data/prepared.ts';
import { type Arena, type FieldLayout, type Kernels, type Region, regionBytes } from '../kernels/index.ts';
import type { Value } from '../runtime/contract.ts';
import { bufferName } from './graphs.ts';
import { bufferViews, view, type Weights } from './weights.ts';

/** How rows of ids become embeddings. */
export interface RowLayout {
  fields: FieldLayout[];
  slots: number;
  dimension: number;
}

/** Slots lie one after another in field order; a field's padding is its first id. */
export function rowLayout(fields: readonly PreparedField[], dimension: number): RowLayout {
  let slot = 0;
  const layouts = fields.map((field): FieldLayout => {
    const layout = { slot, slots: field.slots, pooling: field.pooling, padding: field.offset };
    slot += field.slots;
    return layout;
  });
  return { fields: layouts, slots: slot, dimension };
}

/** Buffers for the inputs that every graph of a run shares. */
export interface InputBuffers {
  capacity: number;
  ids: Region<Int32Array>;
  scenario: Region<Int32Array>;
  /** [B, F*D] */
  embedding: Region;
}

export const inputBytes = (capacity: number, layout: RowLayout): number =>
  regionBytes(capacity * layout.slots) +
  regionBytes(capacity) +
  regionBytes(capacity * layout.fields.length * layout.dimension);

export const allocateInputs = (arena: Arena, capacity: number, layout: RowLayout): InputBuffers => ({
  capacity,
  ids: arena.ints(capacity * layout.slots),
  scenario: arena.ints(capacity),
  embedding: arena.floats(capacity * layout.fields.length * layout.dimension),
});

/** Copies ids and scenarios of a batch and gathers its embeddings from a table. */
export function loadRows(
  kernels: Kernels,
  layout: RowLayout,
  buffers: InputBuffers,
  batch: Pick<Batch, 'size' | 'ids' | 'scenario'>,
  table: Region,
): void {
  const { size } = batch;
  buffers.ids.view.set(batch.ids.subarray(0, size * layout.slots));
  buffers.scenario.view.set(batch.scenario.subarray(0, size));
  kernels.gather({
    ids: buffers.ids,
    rows: size,
    slots: layout.slots,
    fields: layout.fields,
    table,
    dimension: layout.dimension,
    out: buffers.embedding,
  });
}

/** A leading part of a buffer as a tensor [size, ...rest]. */
export function rowsOf(region: Region<Float32Array> | Region<Int32Array>, size: number, ...rest: number[]): Value {
  const shape = [size, ...rest];
  const count = shape.reduce((product, dim) => product * dim, 1);
  return {
    type: region.view instanceof Float32Array ? 'float32' : 'int32',
    shape,
    data: region.view.subarray(0, count),
  };
}

export const scalarValue = (value: number): Value => ({ type: 'float32', shape: [], data: Float32Array.of(value) });

/** Every dense parameter and every buffer, as views of their vectors. */
export const parameterValues = (weights: Weights): Record<string, Value> => {
  const value = (shape: readonly number[], data: Float32Array): Value => ({ type: 'float32', shape, data });
  return Object.fromEntries([
    ...weights.specs.map(({ name, shape }) => [name, value(shape, view(weights, name))]),
    ...bufferViews(weights).map(([spec, numbers]) => [bufferName(spec), value(spec.shape, numbers)]),
  ]);
};
