/** Measures yardsticks on a split, by the rows and metrics of models. */
import type { Evaluation } from '../config/run.ts';
import type { Batch, Manifest, SplitReader } from '../data/prepared/prepared.ts';
import { createGrid, type Grid } from '../evaluate/index.ts';
import type { YardstickKey } from './contract.ts';

/** A fitted yardstick, or its answers of an earlier time. */
export interface Scorer {
  key: YardstickKey;
  /** [size, T] */
  logits(batch: Batch): Float32Array;
}

/** Takes the logits [size, T] of each batch. */
interface Take {
  add(batch: Batch, logits: Float32Array): void;
}

export interface MeasuredYardstick {
  key: YardstickKey;
  grid: Grid;
}

/** One pass over the rows, which closes the reader. @param takes one for each yardstick */
export async function measureYardsticks(
  yardsticks: readonly Scorer[],
  { scenarios, tasks, hasGroup }: Pick<Manifest, 'scenarios' | 'tasks' | 'hasGroup'>,
  reader: SplitReader,
  { k, ...means }: Evaluation,
  takes?: readonly Take[],
): Promise<MeasuredYardstick[]> {
  const grids = yardsticks.map(() => createGrid({ scenarios, tasks, hasGroup, means, k }));
  try {
    for await (const batch of reader.batches({ batchSize: 16384 }))
      for (const [i, yardstick] of yardsticks.entries()) {
        const logits = yardstick.logits(batch);
        const { size, labels, scenario, group } = batch;
        grids[i].add({ size, logits, labels, scenario, group });
        takes?.[i].add(batch, logits);
      }
    const measured: MeasuredYardstick[] = [];
    for (const [i, { key }] of yardsticks.entries()) measured.push({ key, grid: await grids[i].finish() });
    return measured;
  } finally {
    for (const grid of grids) grid.dispose();
    await reader.close();
  }
}
