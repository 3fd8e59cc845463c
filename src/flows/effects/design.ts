/** The design matrix of the coarse fields: rows are sparse, and only sums over them are needed. */
import type { Block, Values } from '../survey.ts';

/** Columns of the coarse design: the intercept, then the levels of each field. */
export interface Columns {
  /** P */
  columns: number;
  /** First column of each field. */
  first: number[];
}

export function columnsOf(coarse: readonly Block[]): Columns {
  const first: number[] = [];
  let columns = 1;
  for (const block of coarse) {
    first.push(columns);
    columns += block.levels;
  }
  return { columns, first };
}

/** Rows as lists of (column, value). */
export interface Design extends Columns {
  /** [N + 1] */
  start: Int32Array;
  column: Int32Array;
  value: Float64Array;
}

export function designOf(n: number, { columns, first }: Columns, coarse: readonly Values[]): Design {
  const start = new Int32Array(n + 1);
  const width = 1 + coarse.reduce((sum, { slots }) => sum + slots, 0);
  const column = new Int32Array(n * width);
  const value = new Float64Array(n * width);
  let at = 0;
  for (let row = 0; row < n; row++) {
    column[at] = 0;
    value[at++] = 1;
    for (const [j, { slots, ids, weight }] of coarse.entries())
      for (let slot = 0; slot < slots; slot++) {
        const id = ids[row * slots + slot];
        if (id < 0) continue;
        column[at] = first[j] + id;
        value[at++] = weight[row];
      }
    start[row + 1] = at;
  }
  return { columns, first, start, column, value };
}

/** x b of a row. */
export function times({ start, column, value }: Design, row: number, b: Float64Array): number {
  let sum = 0;
  for (let i = start[row]; i < start[row + 1]; i++) sum += value[i] * b[column[i]];
  return sum;
}

/** Adds factor * x x' of a row to the lower triangle. Columns of a row ascend from field to field. */
export function addOuter(
  { start, column, value, columns: P }: Design,
  row: number,
  factor: number,
  matrix: Float64Array,
): void {
  for (let i = start[row]; i < start[row + 1]; i++) {
    const scaled = factor * value[i];
    const a = column[i];
    matrix[a * P + a] += scaled * value[i];
    for (let j = start[row]; j < i; j++) {
      const b = column[j];
      // The values of a multi-value field come in any order.
      if (b < a) matrix[a * P + b] += scaled * value[j];
      else if (b > a) matrix[b * P + a] += scaled * value[j];
      else matrix[a * P + a] += 2 * scaled * value[j];
    }
  }
}

/** Adds factor * x of a row. */
export function addRow({ start, column, value }: Design, row: number, factor: number, vector: Float64Array): void {
  for (let i = start[row]; i < start[row + 1]; i++) vector[column[i]] += factor * value[i];
}
