/** Decides where the tables of a model go: into its arena if they fit there, else into several memories. */
import { totalmem } from 'node:os';
import { error } from '../base/errors/index.ts';
import { type Arena, type Kernels, MEMORY_LIMIT } from '../kernels/index.ts';
import type { TableSizes, TableStore } from './contract.ts';
import { oneMemory, tableBytes } from './one-memory.ts';
import { memoryBytes, severalMemories } from './several-memories.ts';

export interface TablePlan {
  /** Bytes of the tables in the arena; 0 if they have memories of their own. */
  inArena: number;
  /** Rows of each of several memories. */
  rowsPerMemory?: number;
}

export interface MemoryLimits {
  /** Max bytes of one memory. Default 4 GiB, what WebAssembly can address. */
  memory?: number;
  /** Memory that the process may use, in bytes. Default: that of the machine, or of its control group. */
  machine?: number;
}

/**
 * Computes the memory of tables before any is taken. `besides`: bytes of the arena without tables; `elsewhere`: bytes that the process takes
 * outside of these memories.
 *
 * @throws TABLES_TOO_LARGE if the machine has less
 */
export function planTables(sizes: TableSizes, besides: number, limits: MemoryLimits = {}, elsewhere = 0): TablePlan {
  const { memory: limit = MEMORY_LIMIT, machine = machineMemory() } = limits;
  const inArena = tableBytes(sizes);
  const { rows, dimension } = sizes;
  const more = besides + elsewhere;
  if (inArena + more > machine)
    throw error('TABLES_TOO_LARGE', { rows, dimension, bytes: inArena, besides: more, memory: machine });
  if (inArena + besides + PAGES <= limit) return { inArena };
  let rowsPerMemory = 2 ** 30;
  while (rowsPerMemory > 1 && memoryBytes(sizes, rowsPerMemory) + PAGES > limit) rowsPerMemory /= 2;
  return { inArena: 0, rowsPerMemory };
}

/** What an arena takes besides its regions: a page of its own, and the rest of the last one. */
const PAGES = 2 * 65_536;

/** The memory of the machine, or of the control group that the process is in. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

export function openTables(
  kernels: Kernels,
  arena: Arena,
  sizes: TableSizes,
  { rowsPerMemory }: TablePlan,
): TableStore {
  return rowsPerMemory === undefined
    ? oneMemory(kernels, arena, sizes)
    : severalMemories(kernels, sizes, rowsPerMemory);
}

/** Copies the table to the one that the gate network reads, if there is one. */
export function freezeTable(tables: TableStore): void {
  tables.parts('gateEmbedding').forEach(({ view }, i) => {
    view.set(tables.parts('embedding')[i].view);
  });
}
