/** A table without a model around it. */
import { plainKernels } from '../../src/kernels/plain.ts';
import type { TableStore } from '../../src/tables/contract.ts';
import { oneMemory, tableBytes } from '../../src/tables/one-memory.ts';

/** Zeros [rows, dimension], which nothing updates. */
export function openTable(rows: number, dimension: number): TableStore {
  const sizes = { rows, dimension, gateTable: false, moments: 0 } as const;
  return oneMemory(plainKernels, plainKernels.createArena(tableBytes(sizes)), sizes);
}
