/** The memory of a model, shared by ONNX Runtime and the kernels: its weights, and space for the rows that it scores. */
import { type Arena, type Kernels, loadKernels, type Region, regionBytes } from '../../kernels/index.ts';
import type { TableStore } from '../../tables/contract.ts';
import { type MemoryLimits, openTables, planTables } from '../../tables/open.ts';
import { fetchedBytes, ownSizes, type ShardSizes, shardedTables } from '../../tables/sharded.ts';
import { allocateInputs, type InputBuffers, inputBytes, type RowLayout } from './inputs.ts';
import { allocateWeights, type WeightSizes, type Weights, weightBytes } from './weights.ts';

export interface ModelArena {
  kernels: Kernels;
  layout: RowLayout;
  weights: Weights;
  /** Space for the rows of one run and for their flow gates [capacity, gateWidth]. */
  scoring: InputBuffers & { gates: Region };
  /** Flow gates per row; 0 for models without gates. */
  gateWidth: number;
}

export interface ArenaSizes {
  weights: WeightSizes;
  layout: RowLayout;
  /** Max rows per run. */
  capacity: number;
  gateWidth: number;
  /** Of one memory, and of all. */
  limits?: MemoryLimits;
  /** Memories that take the tables. Default: new ones, or the arena. */
  tables?: TableStore;
  /** The ranks that share the rows of the tables. Default: all are here. */
  shards?: ShardSizes;
  /** Bytes that the process takes outside of these memories: what a machine has must suffice for all. Default 0. */
  elsewhere?: number;
}

/** Other contents of the arena. */
export interface MoreMemory<M> {
  bytes: number;
  allocate: (arena: Arena) => M;
}

/** @throws TABLES_TOO_LARGE, MEMORY_TOO_LARGE, MEMORY_UNAVAILABLE */
export async function openArena<M = undefined>(
  { weights, layout, capacity, gateWidth, limits, tables, shards, elsewhere }: ArenaSizes,
  more: MoreMemory<M> = { bytes: 0, allocate: () => undefined as M },
): Promise<ModelArena & { more: M }> {
  const kernels = await loadKernels();
  const sizes = shards === undefined ? weights.tables : ownSizes(weights.tables, shards.ranks);
  const bytes =
    weightBytes(weights) +
    inputBytes(capacity, layout) +
    regionBytes(capacity * gateWidth) +
    (shards === undefined ? 0 : fetchedBytes(sizes, shards)) +
    more.bytes;
  const plan = tables === undefined ? planTables(sizes, bytes, limits, elsewhere) : { inArena: 0 };
  const arena = kernels.createArena(bytes + plan.inArena);
  const here = tables ?? openTables(kernels, arena, sizes, plan);
  const store = shards === undefined ? here : shardedTables(kernels, arena, here, weights.tables.rows, shards);
  return {
    kernels,
    layout,
    gateWidth,
    weights: allocateWeights(arena, weights, store),
    more: more.allocate(arena),
    scoring: { ...allocateInputs(arena, capacity, layout), gates: arena.floats(capacity * gateWidth) },
  };
}
