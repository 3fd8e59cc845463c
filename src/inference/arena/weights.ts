/**
 * The weights of a run: one flat vector of dense parameters with the optimiser's moments, the model's buffers, and the store of its
 * embedding tables. All but tables that are too large for it are in one arena, which ONNX Runtime and the kernels use in place.
 */
import { type Arena, type Region, regionBytes } from '../../kernels/index.ts';
import type { BufferSpec, ParameterSpec } from '../../model/contract.ts';
import type { TensorParts } from '../../store/tensors.ts';
import type { TableName, TablePart, TableSizes, TableStore } from '../../tables/contract.ts';
import { bufferName } from '../graphs/forward.ts';

export interface WeightSizes {
  specs: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
  tables: TableSizes;
}

export interface Weights {
  /** Group by group in order of first appearance, so an optimiser group is one range of the flat vector. */
  specs: readonly ParameterSpec[];
  /** Range of each parameter in `dense`. */
  range: ReadonlyMap<string, { from: number; to: number }>;
  dense: Region;
  /** In the order of `bufferValues`. */
  buffers: readonly BufferSpec[];
  bufferValues: Region;
  tables: TableStore;
  /** First and second moments, if the optimiser has them. */
  denseMoments: Region[];
}

export const length = (spec: { shape: readonly number[] }): number =>
  spec.shape.reduce((product, size) => product * size, 1);

/** Group by group, groups in order of first appearance: the order of the flat vector and of the flat gradient. */
export function byGroup(specs: readonly ParameterSpec[]): ParameterSpec[] {
  const groups = [...new Set(specs.map((spec) => spec.group))];
  return groups.flatMap((group) => specs.filter((spec) => spec.group === group));
}

/** Total size of all specs, in numbers. */
export const totalLength = (specs: readonly { shape: readonly number[] }[]): number =>
  specs.reduce((sum, spec) => sum + length(spec), 0);

/** Size of the weights without their tables, in bytes. */
export const weightBytes = ({ specs, buffers, tables: { moments } }: WeightSizes): number =>
  (1 + moments) * regionBytes(totalLength(specs)) + regionBytes(totalLength(buffers));

export function allocateWeights(
  arena: Arena,
  { specs, buffers, tables: { moments } }: WeightSizes,
  tables: TableStore,
): Weights {
  const ordered = byGroup(specs);
  const range = new Map<string, { from: number; to: number }>();
  let total = 0;
  for (const spec of ordered) {
    range.set(spec.name, { from: total, to: total + length(spec) });
    total += length(spec);
  }
  return {
    specs: ordered,
    range,
    dense: arena.floats(total),
    buffers,
    bufferValues: arena.floats(totalLength(buffers)),
    tables,
    denseMoments: Array.from({ length: moments }, () => arena.floats(total)),
  };
}

/** A parameter, as a view of the flat vector. */
export function view(weights: Weights, name: string): Float32Array {
  const range = weights.range.get(name);
  if (range === undefined) throw new Error(`no parameter ${name}`);
  return weights.dense.view.subarray(range.from, range.to);
}

/** Each buffer with a view of its values. */
export function bufferViews({ buffers, bufferValues }: Weights): [BufferSpec, Float32Array][] {
  let from = 0;
  return buffers.map((spec) => {
    const numbers = bufferValues.view.subarray(from, from + length(spec));
    from += numbers.length;
    return [spec, numbers];
  });
}

/** Parameters by their public names, the buffers, then the tables: the tensors of a finished model. */
export function weightTensors(weights: Weights): [string, TensorParts][] {
  const { tables } = weights;
  return [
    ...weights.specs.map(({ name, shape }): [string, TensorParts] => [name, { shape, parts: [view(weights, name)] }]),
    ...bufferViews(weights).map(([spec, data]): [string, TensorParts] => [
      bufferName(spec),
      { shape: spec.shape, parts: [data] },
    ]),
    ...(['embedding', 'gateEmbedding'] satisfies TableName[]).flatMap((name) => tableTensor(name, tables, name)),
  ];
}

/** A part of the tables as a tensor [V, D]; none if the store has no such part. */
export function tableTensor(name: string, tables: TableStore, part: TablePart): [string, TensorParts][] {
  const { rows, dimension, shards } = tables;
  const parts = tables.parts(part).map(({ view }) => view);
  return parts.length === 0 ? [] : [[name, { shape: [rows, dimension], parts, ownedWidth: shards && dimension }]];
}
