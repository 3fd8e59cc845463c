/** Tables in the arena of their model: the kernels use them in place. */
import { type Arena, type Kernels, type Region, regionBytes } from '../kernels/index.ts';
import type { TablePart, TableSizes, TableStore } from './contract.ts';

/** Size of the tables in an arena, in bytes. */
export function tableBytes({ rows, dimension, gateTable, moments, updates }: TableSizes): number {
  const wholeGradient = updates?.dense === true && updates.optimizer === 'sgd';
  return (1 + Number(gateTable) + moments + Number(wholeGradient)) * regionBytes(rows * dimension);
}

export function oneMemory(kernels: Kernels, arena: Arena, sizes: TableSizes): TableStore {
  const { rows, dimension, gateTable, moments, updates } = sizes;
  const whole = (): Region => arena.floats(rows * dimension);
  const table = whole();
  const gates = gateTable ? whole() : undefined;
  const [first, second] = Array.from({ length: moments }, whole);
  const gradientOfAll = updates?.dense && updates.optimizer === 'sgd' ? whole() : undefined;
  const regions: Record<TablePart, Region | undefined> = {
    embedding: table,
    gateEmbedding: gates,
    firstMoment: first,
    secondMoment: second,
  };
  const region = (part: TablePart): Region => {
    const found = regions[part];
    if (found === undefined) throw new Error(`these tables have no ${part}`);
    return found;
  };
  return {
    rows,
    dimension,
    bytes: 0,
    memories: 1,
    gather(name, requests) {
      for (const request of requests) kernels.gather({ ...request, table: region(name), dimension });
    },
    update({ unique, count, summed, stamps }, step) {
      const batch = { unique, count, summed, dimension };
      if (step.optimizer === 'adam') {
        if (updates?.dense) kernels.adamTable({ ...batch, table, first, second, stamps }, step);
        else kernels.adamRows({ ...batch, table, first, second }, step);
        return;
      }
      if (gradientOfAll === undefined) {
        kernels.sgdRows({ ...batch, table }, step);
        return;
      }
      kernels.spreadRows({ ...batch, dense: gradientOfAll });
      kernels.sgd({ parameter: table, gradient: gradientOfAll, velocity: first, from: 0, to: table.view.length }, step);
      kernels.clearRows({ ...batch, dense: gradientOfAll });
    },
    scale(row, factor) {
      for (let i = row * dimension; i < (row + 1) * dimension; i++) table.view[i] *= factor;
    },
    row: (part, row) => region(part).view.subarray(row * dimension, (row + 1) * dimension),
    parts: (part) => [regions[part] ?? []].flat(),
  };
}
