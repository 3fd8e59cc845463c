/** Rows of a prepared data set as the analysis of flows reads them. */

import type { SplitName } from '../config/dataset.ts';
import { slotsOf } from '../data/encode/ids.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import type { FlowField, FlowRows } from './rows.ts';

export interface FlowSample {
  rows: FlowRows;
  /** [N] number of the row's group; absent without groups. */
  group?: Int32Array;
  /** Rows of the split. */
  of: number;
}

/** Up to `limit` rows of a split, drawn by the seed; all of them, in stored order, where there are no more. */
export async function readFlowRows(
  data: PreparedData,
  split: SplitName,
  { limit, seed }: { limit: number; seed: number },
): Promise<FlowSample> {
  const { fields, scenarios, tasks, splits, hasGroup, hasWeight } = data.manifest;
  const of = splits[split].rows;
  const n = Math.min(limit, of);
  const T = tasks.length;
  const slots = slotsOf(fields);
  const ids = fields.map((field) => new Int32Array(n * field.slots));
  const scenario = new Int32Array(n);
  const labels = new Float64Array(n * T);
  const group = hasGroup ? new Int32Array(n) : undefined;
  const weight = hasWeight ? new Float64Array(n) : undefined;
  const reader = await data.open(split);
  let filled = 0;
  try {
    const options = { batchSize: 4096, ...(n < of && { shuffle: { seed, epoch: 0 } }) };
    for await (const batch of reader.batches(options)) {
      const size = Math.min(batch.size, n - filled);
      scenario.set(batch.scenario.subarray(0, size), filled);
      for (let i = 0; i < size * T; i++) labels[filled * T + i] = batch.labels[i];
      group?.set(batch.group.subarray(0, size), filled);
      weight?.set(batch.weight.subarray(0, size), filled);
      let at = 0;
      for (const [j, field] of fields.entries()) {
        for (let row = 0; row < size; row++)
          for (let slot = 0; slot < field.slots; slot++) {
            const id = batch.ids[row * slots + at + slot] - field.offset;
            // Padding is an empty slot of a multi-value field; ids 1 and above are levels, 1 that of unknown values.
            ids[j][(filled + row) * field.slots + slot] = id === 0 ? -1 : id;
          }
        at += field.slots;
      }
      filled += size;
      if (filled === n) break;
    }
  } finally {
    await reader.close();
  }
  const rows = { scenarios: scenarios.length, tasks: T, rows: n, scenario, labels, ...(weight && { weight }) };
  const found = fields.map(({ name, size, slots }, j): FlowField => ({ name, levels: size, slots, ids: ids[j] }));
  return {
    rows: {
      ...rows,
      fields: found.map((field) => ({ ...field, isScenario: isScenario(field, scenario, scenarios.length) })),
    },
    ...(group && { group }),
    of,
  };
}

/** Does the field have one value in each scenario, and different ones? */
function isScenario({ slots, ids }: FlowField, scenario: Int32Array, S: number): boolean {
  if (slots !== 1 || S < 2) return false;
  const value = new Int32Array(S).fill(-1);
  for (let row = 0; row < scenario.length; row++) {
    const s = scenario[row];
    if (value[s] < 0) value[s] = ids[row];
    else if (value[s] !== ids[row]) return false;
  }
  const seen = value.filter((id) => id >= 0);
  return new Set(seen).size === seen.length;
}
