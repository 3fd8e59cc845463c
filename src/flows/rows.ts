/** The rows that flows are found in, and their fields as sparse one-hot blocks. */

export interface FlowField {
  name: string;
  /** Levels are 0 .. levels - 1. */
  levels: number;
  /** Values of a row: 1, or more for a multi-value field. */
  slots: number;
  /** [N, slots] level, or -1 for an empty slot. */
  ids: Int32Array;
  /** Is the field the scenario itself? It is constant within a scenario and carries no evidence about flows. */
  isScenario?: boolean;
}

export interface FlowRows {
  scenarios: number;
  tasks: number;
  rows: number;
  /** [N] */
  scenario: Int32Array;
  /** [N, T]: 0, 1, or NaN where the label is missing. */
  labels: Float64Array;
  /** [N] weight of each row, 0 or above, on any scale. Default: all the same. */
  weight?: Float64Array;
  fields: readonly FlowField[];
}

/** Does the label at place i of [N, T] count? With ordered tasks, only where the task before it is 1. */
export const isAsked = ({ labels, tasks }: FlowRows, i: number, ordered: boolean): boolean =>
  !Number.isNaN(labels[i]) && !(ordered && i % tasks > 0 && !(labels[i - 1] > 0));

/**
 * [N] weights of the rows, scaled in each scenario so that they sum to the effective number of rows, (sum w)^2 / sum w^2 (Kish:
 * Survey Sampling, 1965): weights that vary make estimates less certain, and their scale says nothing.
 */
export function rowMass({ weight, scenario, scenarios, rows }: FlowRows): Float64Array {
  if (weight === undefined) return new Float64Array(rows).fill(1);
  const sums = new Float64Array(scenarios);
  const squares = new Float64Array(scenarios);
  for (let row = 0; row < rows; row++) {
    sums[scenario[row]] += weight[row];
    squares[scenario[row]] += weight[row] ** 2;
  }
  return weight.map((value, row) => (value === 0 ? 0 : (value * sums[scenario[row]]) / squares[scenario[row]]));
}

/** A field's one-hot matrix [N, L] over the levels that occur; a row's values share a weight of 1. */
export interface Block {
  name: string;
  /** L: levels that occur in the rows. */
  levels: number;
  slots: number;
  /** [N, slots] number of the level among those that occur, or -1. */
  ids: Int32Array;
  /** [N] weight of each value of a row: 1 / number of its values. */
  weight: Float64Array;
  /** [L] the field's own number of each level; of a pair, of both fields. */
  kept: Int32Array;
  /** [S, L] weight of a level in each scenario. */
  seen: Float64Array;
  /** The two coarse fields of a pair. */
  pair?: readonly [string, string];
}

/** [L] sum of a block's weights per level. */
export function levelTotals({ seen, levels }: Block): Float64Array {
  const totals = new Float64Array(levels);
  for (let i = 0; i < seen.length; i++) totals[i % levels] += seen[i];
  return totals;
}

export interface Blocks {
  /** Fields whose levels are estimated all together. */
  coarse: Block[];
  /** Fields with many levels (ids), and pairs of coarse fields where requested. */
  fine: Block[];
}

export interface BlockOptions {
  /** Fields with at most this many levels are coarse. */
  maxLevels: number;
  /** Adds products of two coarse fields: what two fields say together. */
  pairs: boolean;
}

/** Levels of a pair at most. */
const PAIR_LEVELS = 400;

/** The fields that vary within scenarios. A field with fewer than two levels in the rows is left out. */
export function blocksOf(rows: FlowRows, { maxLevels, pairs }: BlockOptions): Blocks {
  const coarse: Block[] = [];
  const fine: Block[] = [];
  const ones = new Float64Array(rows.rows).fill(1);
  for (const field of rows.fields) {
    if (field.isScenario) continue;
    const block = blockOf(rows, field, ones);
    if (block.levels >= 2) (block.levels <= maxLevels ? coarse : fine).push(block);
  }
  if (pairs)
    for (const [i, a] of coarse.entries())
      for (const b of coarse.slice(i + 1))
        if (a.slots === 1 && b.slots === 1 && a.levels * b.levels <= PAIR_LEVELS && isComplete(a) && isComplete(b))
          fine.push({ ...blockOf(rows, product(rows.rows, a, b), ones), pair: [a.name, b.name] });
  return { coarse, fine };
}

export const isComplete = ({ slots, ids }: Block): boolean => slots === 1 && ids.every((id) => id >= 0);

/** The name of the product of two fields, in the order of the data. */
export const pairName = (a: string, b: string): string => `${a} x ${b}`;

function product(n: number, a: Block, b: Block): FlowField {
  const ids = new Int32Array(n);
  for (let row = 0; row < n; row++) ids[row] = a.ids[row] * b.levels + b.ids[row];
  return { name: pairName(a.name, b.name), levels: a.levels * b.levels, slots: 1, ids };
}

/** [N] 1 / number of a row's values. */
function shareOfValue(n: number, slots: number, ids: Int32Array): Float64Array {
  const weight = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    let values = 0;
    for (let slot = 0; slot < slots; slot++) if (ids[row * slots + slot] >= 0) values++;
    weight[row] = values === 0 ? 0 : 1 / values;
  }
  return weight;
}

/** Fields with one value a row share one array of weights, `ones` [N]. */
function blockOf(
  { rows: n, scenarios: S, scenario }: FlowRows,
  { name, levels, slots, ids }: FlowField,
  ones: Float64Array,
): Block {
  const weight = slots === 1 ? ones : shareOfValue(n, slots, ids);
  const all = new Float64Array(S * levels);
  for (let row = 0; row < n; row++) {
    for (let slot = 0; slot < slots; slot++) {
      const id = ids[row * slots + slot];
      if (id >= 0) all[scenario[row] * levels + id] += weight[row];
    }
  }
  const number = new Int32Array(levels).fill(-1);
  const kept: number[] = [];
  for (let level = 0; level < levels; level++) {
    let occurs = false;
    for (let s = 0; s < S; s++) occurs ||= all[s * levels + level] > 0;
    if (occurs) number[level] = kept.push(level) - 1;
  }
  const seen = new Float64Array(S * kept.length);
  for (let s = 0; s < S; s++)
    for (const [i, level] of kept.entries()) seen[s * kept.length + i] = all[s * levels + level];
  return {
    name,
    levels: kept.length,
    slots,
    ids: ids.map((id) => (id < 0 ? -1 : number[id])),
    weight,
    kept: Int32Array.from(kept),
    seen,
  };
}
