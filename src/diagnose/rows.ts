/** Rows of a split in memory, their cells, and what a model answers to them. */
import { slotsOf } from '../data/encode/ids.ts';
import type { Batch, Manifest, SplitReader } from '../data/prepared/prepared.ts';
import type { LabelledCell } from '../evaluate/clustered.ts';
import { GroupNumbers } from '../evaluate/significance/index.ts';
import type { FinishedModel } from '../inference/model/finished.ts';

/** All arrays as in `Batch`, of `size` rows. */
export interface DrawnRows extends Pick<Batch, 'size' | 'ids' | 'sequences' | 'scenario' | 'labels' | 'row'> {
  /** Ids, and ids of all sequences, of a row. */
  widths: { ids: number; sequences: number };
  /** [N] number of the row's group, below `groups`. */
  group: Int32Array;
  groups: number;
}

/** Up to `limit` rows of a split, drawn by the seed; all of them, in stored order, where there are no more. */
export async function drawRows(
  { fields, sequences, tasks }: Manifest,
  reader: SplitReader,
  { limit, seed }: { limit: number; seed: number },
): Promise<DrawnRows> {
  const size = Math.min(limit, reader.rows);
  const widths = { ids: slotsOf(fields), sequences: (sequences?.types.length ?? 0) * (sequences?.length ?? 0) };
  const rows = {
    ids: new Int32Array(size * widths.ids),
    ...(sequences && { sequences: new Int32Array(size * widths.sequences) }),
    scenario: new Int32Array(size),
    labels: new Float32Array(size * tasks.length),
    row: new Int32Array(size),
    group: new Int32Array(size),
  };
  const numbers = new GroupNumbers();
  let at = 0;
  const order = limit < reader.rows ? { shuffle: { seed, epoch: 0 } } : {};
  for await (const batch of reader.batches({ batchSize: 16_384, ...order })) {
    const n = Math.min(batch.size, size - at);
    rows.ids.set(batch.ids.subarray(0, n * widths.ids), at * widths.ids);
    if (batch.sequences !== undefined)
      rows.sequences?.set(batch.sequences.subarray(0, n * widths.sequences), at * widths.sequences);
    rows.scenario.set(batch.scenario.subarray(0, n), at);
    rows.labels.set(batch.labels.subarray(0, n * tasks.length), at * tasks.length);
    rows.row.set(batch.row.subarray(0, n), at);
    for (let i = 0; i < n; i++) rows.group[at + i] = numbers.of(batch.group[i]);
    at += n;
    if (at === size) break;
  }
  return { size, widths, ...rows, groups: numbers.count };
}

/** Consecutive rows, at most `most` at a time. */
export function* batchesOf(
  rows: DrawnRows,
  most: number,
): Generator<Pick<Batch, 'size' | 'ids' | 'sequences' | 'scenario' | 'row'>> {
  const { ids, sequences } = rows.widths;
  for (let from = 0; from < rows.size; from += most) {
    const to = Math.min(rows.size, from + most);
    yield {
      size: to - from,
      ids: rows.ids.subarray(from * ids, to * ids),
      ...(rows.sequences && { sequences: rows.sequences.subarray(from * sequences, to * sequences) }),
      scenario: rows.scenario.subarray(from, to),
      row: rows.row.subarray(from, to),
    };
  }
}

/** Logits by task: [T] of [N]. */
export async function logitsOf(model: FinishedModel, rows: DrawnRows, tasks: number): Promise<Float32Array[]> {
  const logits = Array.from({ length: tasks }, () => new Float32Array(rows.size));
  let at = 0;
  for (const batch of batchesOf(rows, model.batchSize)) {
    const found = await model.score(batch);
    for (let i = 0; i < batch.size; i++) for (let t = 0; t < tasks; t++) logits[t][at + i] = found[i * tasks + t];
    at += batch.size;
  }
  return logits;
}

export interface NamedCell extends LabelledCell {
  scenario: string;
  task: string;
  taskIndex: number;
}

/** Scenario by scenario, task by task. */
export const cellsOf = (
  rows: DrawnRows,
  { scenarios, tasks }: { scenarios: readonly string[]; tasks: readonly string[] },
): NamedCell[] =>
  scenarios.flatMap((scenario, s) =>
    tasks.map((task, t) => {
      const found: number[] = [];
      for (let row = 0; row < rows.size; row++)
        if (rows.scenario[row] === s && !Number.isNaN(rows.labels[row * tasks.length + t])) found.push(row);
      const labels = Uint8Array.from(found, (row) => rows.labels[row * tasks.length + t]);
      return { scenario, task, taskIndex: t, rows: Int32Array.from(found), labels };
    }),
  );
