/**
 * Tables in several memories: memory m has the rows [m R, (m + 1) R) with their moments, R a power of two. Each memory is a store of its
 * own, with its own instance of the kernels. A gather reads the memories from here, row by row; an update copies the gradients of a batch
 * to the memories of its rows. Rows do not depend on each other, and pooled ones are added in the order of the batch as in the kernels,
 * so the bits are those of one memory.
 */
import { type Kernels, noSuchRow, type Region, regionBytes } from '../kernels/index.ts';
import type { GatherRequest, RowGradients, TablePart, TableSizes, TableStep, TableStore } from './contract.ts';
import { oneMemory, tableBytes } from './one-memory.ts';

/** Rows of gradients that a lazy update copies at a time. */
const LAZY_ROWS = 16_384;

/** Rows of gradients that a memory can take at a time. A dense update takes those of a whole batch. */
const gradientRows = ({ updates }: TableSizes): number => {
  if (updates === undefined) return 0;
  return updates.dense ? updates.batchRows : Math.min(LAZY_ROWS, updates.batchRows);
};

/** Size of a memory with some of the rows, in bytes. */
export function memoryBytes(sizes: TableSizes, rows: number): number {
  const copied = gradientRows(sizes);
  const gradients = regionBytes(copied) + regionBytes(copied * sizes.dimension);
  const stamps = sizes.updates?.dense ? regionBytes(rows) : 0;
  return tableBytes({ ...sizes, rows }) + gradients + stamps;
}

/** `rowsPerMemory`: a power of two. */
export function severalMemories(kernels: Kernels, sizes: TableSizes, rowsPerMemory: number): TableStore {
  const { rows, dimension: D } = sizes;
  const shift = Math.log2(rowsPerMemory);
  const count = Math.ceil(rows / rowsPerMemory);
  const memories = Array.from({ length: count }, (_, m) =>
    openMemory(kernels, sizes, Math.min(rowsPerMemory, rows - m * rowsPerMemory)),
  );
  const parts = (part: TablePart): Region[] => memories.flatMap(({ store }) => store.parts(part));
  const numbers = { embedding: parts('embedding'), gateEmbedding: parts('gateEmbedding') };
  return {
    rows,
    dimension: D,
    bytes: memories.reduce((sum, { bytes }) => sum + bytes, 0),
    memories: count,
    gather(table, requests) {
      for (const request of requests) gather(numbers[table], { shift, rows, dimension: D }, request);
    },
    update(gradients, step) {
      route(memories, shift, D, gradients, step);
      // A dense update also moves the rows of memories that the batch does not read.
      for (const memory of memories) if (memory.filled > 0 || sizes.updates?.dense) memory.apply(step);
    },
    scale: (row, factor) => memories[row >>> shift].store.scale(row & (rowsPerMemory - 1), factor),
    row: (part, row) => memories[row >>> shift].store.row(part, row & (rowsPerMemory - 1)),
    parts,
  };
}

interface Memory {
  store: TableStore;
  bytes: number;
  /** Gradients that wait: rows of this memory, and their sums. */
  unique: Int32Array;
  summed: Float32Array;
  filled: number;
  apply(step: TableStep): void;
}

function openMemory(kernels: Kernels, sizes: TableSizes, rows: number): Memory {
  const bytes = memoryBytes(sizes, rows);
  const arena = kernels.createArena(bytes);
  const store = oneMemory(kernels, arena, { ...sizes, rows });
  const capacity = gradientRows(sizes);
  const unique = arena.ints(capacity);
  const summed = arena.floats(capacity * sizes.dimension);
  const stamps = arena.ints(sizes.updates?.dense ? rows : 0);
  const memory: Memory = {
    store,
    bytes,
    unique: unique.view,
    summed: summed.view,
    filled: 0,
    apply(step) {
      store.update({ unique, count: memory.filled, summed, stamps }, step);
      memory.filled = 0;
    },
  };
  return memory;
}

/** Copies the gradients of rows to their memories; a memory that is full is updated. */
function route(
  memories: readonly Memory[],
  shift: number,
  D: number,
  { unique, count, summed }: RowGradients,
  step: TableStep,
): void {
  const mask = 2 ** shift - 1;
  for (let u = 0; u < count; u++) {
    const row = unique.view[u];
    const memory = memories[row >>> shift];
    if (memory.filled === memory.unique.length) memory.apply(step);
    memory.unique[memory.filled] = row & mask;
    const to = memory.filled * D;
    for (let d = 0; d < D; d++) memory.summed[to + d] = summed.view[u * D + d];
    memory.filled++;
  }
}

function gather(
  memories: readonly Region[],
  { shift, rows: tableRows, dimension: D }: { shift: number; rows: number; dimension: number },
  { ids: { view: ids }, rows, slots, fields, out: { view: out } }: GatherRequest,
): void {
  const views = memories.map(({ view }) => view);
  const mask = 2 ** shift - 1;
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (const { slot, slots: length, pooling, padding } of fields) {
      let values = 0;
      for (let i = row * slots + slot; i < row * slots + slot + length; i++) {
        const id = ids[i];
        if (id === padding) continue;
        if (id < 0 || id >= tableRows) throw noSuchRow(id, i, tableRows);
        const view = views[id >>> shift];
        const from = (id & mask) * D;
        if (values === 0) for (let d = 0; d < D; d++) out[to + d] = view[from + d];
        else for (let d = 0; d < D; d++) out[to + d] += view[from + d];
        values++;
      }
      if (values === 0) out.fill(0, to, to + D);
      else if (values > 1 && pooling === 'mean') for (let d = 0; d < D; d++) out[to + d] /= values;
      to += D;
    }
  }
}
