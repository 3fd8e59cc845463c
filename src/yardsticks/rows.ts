/** The rows that yardsticks learn from, in memory. */
import type { Batch, SplitReader } from '../data/prepared/prepared.ts';

/** What a yardstick reads of rows; a batch is one. */
export type FieldRows = Pick<Batch, 'size' | 'ids' | 'scenario'>;

export interface LabelledRows extends FieldRows, Pick<Batch, 'labels' | 'weight'> {}

/** Rows of a split that are read at most, evenly over it: what more of them add is small, and memory is not. */
export const MAX_ROWS = { train: 1_000_000, validation: 200_000 };

/** Every n-th row of a split, so that at most `most` remain. Closes the reader. */
export async function readRows(reader: SplitReader, most: number): Promise<LabelledRows> {
  const step = Math.max(1, Math.ceil(reader.rows / most));
  const size = Math.ceil(reader.rows / step);
  let rows: (Omit<LabelledRows, 'size'> & { slots: number; tasks: number }) | undefined;
  let at = 0;
  try {
    for await (const batch of reader.batches({ batchSize: 16384 })) {
      const slots = batch.ids.length / batch.size;
      const tasks = batch.labels.length / batch.size;
      rows ??= {
        slots,
        tasks,
        ids: new Int32Array(size * slots),
        scenario: new Int32Array(size),
        labels: new Float32Array(size * tasks),
        weight: new Float32Array(size),
      };
      for (let i = 0; i < batch.size; i++) {
        if (batch.row[i] % step !== 0) continue;
        rows.ids.set(batch.ids.subarray(i * slots, (i + 1) * slots), at * slots);
        rows.labels.set(batch.labels.subarray(i * tasks, (i + 1) * tasks), at * tasks);
        rows.scenario[at] = batch.scenario[i];
        rows.weight[at] = batch.weight[i];
        at++;
      }
    }
  } finally {
    await reader.close();
  }
  const empty = { slots: 0, tasks: 0, ids: new Int32Array(), scenario: new Int32Array() };
  const { slots, tasks, ...found } = rows ?? { ...empty, labels: new Float32Array(), weight: new Float32Array() };
  // A part of the data has fewer rows than its split.
  return {
    size: at,
    ids: found.ids.subarray(0, at * slots),
    scenario: found.scenario.subarray(0, at),
    labels: found.labels.subarray(0, at * tasks),
    weight: found.weight.subarray(0, at),
  };
}
