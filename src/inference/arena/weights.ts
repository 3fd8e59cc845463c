/**
 * The weights of a run: one flat vector of dense parameters, one embedding table, the optimiser's moments of both, and the model's
 * buffers. They are in one arena, which ONNX Runtime and the kernels use in place.
 */
import { type Arena, type Region, regionBytes } from '../../kernels/index.ts';
import type { BufferSpec, ParameterSpec } from '../../model/contract.ts';
import type { TensorView } from '../../store/safetensors.ts';
import { bufferName } from '../graphs/forward.ts';

export interface WeightSizes {
  specs: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
  /** Rows and width of the embedding table. */
  tableRows: number;
  dimension: number;
  /** Keep a second table that the frozen gate network reads. */
  gateTable: boolean;
  /** Optimiser moments per number: Adam has 2, SGD with momentum 1. */
  moments: 0 | 1 | 2;
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
  /** [V, D] */
  table: Region;
  /** D */
  dimension: number;
  gateTable: Region | undefined;
  /** First and second moments, if the optimiser has them. */
  denseMoments: Region[];
  tableMoments: Region[];
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

/** Size of the weights in an arena, in bytes. */
export function weightBytes({ specs, buffers, tableRows, dimension, gateTable, moments }: WeightSizes): number {
  const tables = 1 + Number(gateTable) + moments;
  return (
    (1 + moments) * regionBytes(totalLength(specs)) +
    regionBytes(totalLength(buffers)) +
    tables * regionBytes(tableRows * dimension)
  );
}

export function allocateWeights(
  arena: Arena,
  { specs, buffers, tableRows, dimension, gateTable, moments }: WeightSizes,
): Weights {
  const ordered = byGroup(specs);
  const range = new Map<string, { from: number; to: number }>();
  let total = 0;
  for (const spec of ordered) {
    range.set(spec.name, { from: total, to: total + length(spec) });
    total += length(spec);
  }
  const table = (): Region => arena.floats(tableRows * dimension);
  return {
    specs: ordered,
    range,
    dense: arena.floats(total),
    buffers,
    bufferValues: arena.floats(totalLength(buffers)),
    table: table(),
    dimension,
    gateTable: gateTable ? table() : undefined,
    denseMoments: Array.from({ length: moments }, () => arena.floats(total)),
    tableMoments: Array.from({ length: moments }, table),
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
export function weightTensors(weights: Weights): [string, TensorView][] {
  const D = weights.dimension;
  const table = (data: Float32Array): TensorView => ({ data, shape: [data.length / D, D] });
  return [
    ...weights.specs.map((spec): [string, TensorView] => [
      spec.name,
      { data: view(weights, spec.name), shape: spec.shape },
    ]),
    ...bufferViews(weights).map(([spec, data]): [string, TensorView] => [
      bufferName(spec),
      { data, shape: spec.shape },
    ]),
    ['embedding', table(weights.table.view)],
    ...(weights.gateTable === undefined
      ? []
      : [['gateEmbedding', table(weights.gateTable.view)] as [string, TensorView]]),
  ];
}
