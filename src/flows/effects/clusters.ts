/** Errors where rows are not independent: a coarse field that an id decides (age by user) has one value for all rows of the id. */
import { type Block, isComplete } from '../rows.ts';
import type { Design } from './design.ts';

/** The rows of each level of an id field. */
export interface Grouped {
  block: Block;
  /** [L + 1] */
  start: Int32Array;
  /** Rows of level 0, then of level 1 ... */
  row: Int32Array;
}

export function groupedBy(block: Block): Grouped {
  const { ids, slots, levels } = block;
  const start = new Int32Array(levels + 1);
  for (const id of ids) if (id >= 0) start[id + 1]++;
  for (let level = 0; level < levels; level++) start[level + 1] += start[level];
  const row = new Int32Array(start[levels]);
  const next = start.slice();
  for (let i = 0; i < ids.length; i++) if (ids[i] >= 0) row[next[ids[i]]++] = Math.floor(i / slots);
  return { block, start, row };
}

/** Share of the rows for which an id must decide the level. */
const DECIDED = 0.99;

/** The id field with the fewest levels whose level decides the coarse field's. */
export function decidingField(block: Block, ids: readonly Grouped[]): Grouped | undefined {
  if (!isComplete(block)) return undefined;
  let best: Grouped | undefined;
  for (const group of ids) {
    if (best !== undefined && group.block.levels >= best.block.levels) continue;
    const counts = new Float64Array(block.levels);
    let top = 0;
    for (let id = 0; id < group.block.levels; id++) {
      counts.fill(0);
      for (let i = group.start[id]; i < group.start[id + 1]; i++)
        counts[block.ids[group.row[i]]] += group.block.weight[group.row[i]];
      top += counts.reduce((most, count) => Math.max(most, count), 0);
    }
    if (top > DECIDED * block.ids.length) best = group;
  }
  return best;
}

/**
 * [M, T, T] covariance (lower triangle) of the contrasts of one scenario: sums over ids of the products of what their rows
 * contribute to each task.
 *
 * @param sources [M, T] of [P]: a contrast's error is the sum over rows of residual * (x . source)
 * @param about.residual [N, T]
 */
export function clusterCovariances(
  { block, start, row }: Grouped,
  sources: readonly (readonly Float64Array[])[],
  about: { T: number; s: number; design: Design; residual: Float64Array; scenario: Int32Array },
): Float64Array {
  const { T, s, design, residual, scenario } = about;
  const out = new Float64Array(sources.length * T * T);
  const sums = new Float64Array(design.columns * T); // of residual * x over the rows of an id
  const isTouched = new Uint8Array(design.columns);
  const touched: number[] = [];
  const parts = new Float64Array(T);
  for (let id = 0; id < block.levels; id++) {
    for (let i = start[id]; i < start[id + 1]; i++) {
      const at = row[i];
      if (scenario[at] !== s) continue;
      for (let k = design.start[at]; k < design.start[at + 1]; k++) {
        const column = design.column[k];
        if (!isTouched[column]) {
          isTouched[column] = 1;
          touched.push(column);
        }
        const value = design.value[k] * block.weight[at];
        for (let t = 0; t < T; t++) sums[column * T + t] += value * residual[at * T + t];
      }
    }
    if (touched.length === 0) continue;
    for (const [m, of] of sources.entries()) {
      for (let t = 0; t < T; t++) {
        let sum = 0;
        for (const column of touched) sum += sums[column * T + t] * of[t][column];
        parts[t] = sum;
        for (let u = 0; u <= t; u++) out[(m * T + t) * T + u] += sum * parts[u];
      }
    }
    for (const column of touched) {
      isTouched[column] = 0;
      for (let t = 0; t < T; t++) sums[column * T + t] = 0;
    }
    touched.length = 0;
  }
  return out;
}
