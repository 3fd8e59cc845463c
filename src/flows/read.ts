/** Rows of a prepared data set as the analysis of flows reads them. */

import type { SplitName } from '../config/dataset.ts';
import { slotsOf } from '../data/encode/ids.ts';
import type { Batch, Manifest, PreparedData, SplitReader } from '../data/prepared/prepared.ts';
import type { FlowRows, FlowSource } from './rows.ts';

export interface FlowSample {
  rows: FlowRows;
  /** [N] number of the row's group; absent without groups. */
  group?: Int32Array;
  /** Rows of the split. */
  of: number;
}

interface Drawn {
  /** Rows at most. */
  limit: number;
  /** Of the draw. */
  seed: number;
}

/** Up to `limit` rows of a split, drawn by the seed; all of them, in stored order, where there are no more. */
export async function readFlowRows(data: PreparedData, split: SplitName, drawn: Drawn): Promise<FlowSample> {
  const { hasGroup } = data.manifest;
  await using reader = await data.open(split);
  const n = Math.min(drawn.limit, reader.rows);
  const rows = emptyRows(data.manifest, n);
  const group = hasGroup ? new Int32Array(n) : undefined;
  let filled = 0;
  for await (const [batch, size] of batchesOf(reader, drawn)) {
    fill(rows, filled, batch, size, data.manifest);
    group?.set(batch.group.subarray(0, size), filled);
    filled += size;
  }
  return { rows, ...(group && { group }), of: reader.rows };
}

/** The same rows, read again at each pass: memory does not grow with them. The reader stays open until it is disposed of. */
export function flowSource({ manifest }: PreparedData, reader: SplitReader, drawn: Drawn): FlowSource {
  const { fields, scenarios, tasks } = manifest;
  return {
    scenarios: scenarios.length,
    tasks: tasks.length,
    rows: Math.min(drawn.limit, reader.rows),
    fields: fields.map(({ name, size, slots }) => ({ name, levels: size, slots })),
    async *parts() {
      for await (const [batch, size] of batchesOf(reader, drawn)) {
        const part = emptyRows(manifest, size);
        fill(part, 0, batch, size, manifest);
        yield part;
      }
    },
  };
}

const BATCH = 16_384;

/** Batches, and how many rows of each are drawn. */
async function* batchesOf(reader: SplitReader, { limit, seed }: Drawn): AsyncGenerator<[Batch, number]> {
  const options = { batchSize: BATCH, ...(limit < reader.rows && { shuffle: { seed, epoch: 0 } }) };
  let left = Math.min(limit, reader.rows);
  for await (const batch of reader.batches(options)) {
    const size = Math.min(batch.size, left);
    yield [batch, size];
    left -= size;
    if (left === 0) return;
  }
}

function emptyRows({ fields, scenarios, tasks, hasWeight }: Manifest, n: number): FlowRows {
  return {
    scenarios: scenarios.length,
    tasks: tasks.length,
    rows: n,
    scenario: new Int32Array(n),
    labels: new Float64Array(n * tasks.length),
    ...(hasWeight && { weight: new Float64Array(n) }),
    fields: fields.map(({ name, size, slots }) => ({ name, levels: size, slots, ids: new Int32Array(n * slots) })),
  };
}

/** Copies the first rows of a batch, which the next one overwrites. */
function fill(rows: FlowRows, at: number, batch: Batch, size: number, { fields, tasks }: Manifest): void {
  const T = tasks.length;
  const slots = slotsOf(fields);
  rows.scenario.set(batch.scenario.subarray(0, size), at);
  rows.labels.set(batch.labels.subarray(0, size * T), at * T);
  rows.weight?.set(batch.weight.subarray(0, size), at);
  let first = 0;
  for (const [j, field] of fields.entries()) {
    const { ids } = rows.fields[j];
    for (let row = 0; row < size; row++)
      for (let slot = 0; slot < field.slots; slot++) {
        const id = batch.ids[row * slots + first + slot] - field.offset;
        // Padding is an empty slot of a multi-value field; ids 1 and above are levels, 1 that of unknown values.
        ids[(at + row) * field.slots + slot] = id === 0 ? -1 : id;
      }
    first += field.slots;
  }
}
