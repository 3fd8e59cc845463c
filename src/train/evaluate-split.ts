/** Scores a split and computes the metrics: for validation during training, and for finished models. */
import type { Collective } from '../comm/contract.ts';
import { type Evaluation, evaluationSchema } from '../config/run.ts';
import type { Batch, Manifest, SplitReader } from '../data/prepared/prepared.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import type { Grid, GridAccumulator } from '../evaluate/grid.ts';
import { createGrid } from '../evaluate/index.ts';
import type { ModelExecutor } from '../inference/arena/executor.ts';
import { addChoices } from '../inference/choices.ts';
import type { RunRecord } from '../store/run/run-folder.ts';
import { rowsOfRank } from './ranks/rows.ts';

interface EvaluateSplitOptions {
  /** Counts what rows choose, if the graph outputs it; not over ranks. */
  choices?: ChoiceCounts;
  /** Scalar inputs of the graph. */
  scalars?: Record<string, number>;
  /** Takes the logits [size, T] of each batch. */
  take?: (batch: Batch, logits: Float32Array) => void;
  /** Ranks that score the rows of each batch together; all get the grid. Default: this one scores all. */
  ranks?: Collective;
}

/** The grid of a whole split. */
export async function evaluateSplit(
  executor: ModelExecutor,
  reader: SplitReader,
  grid: GridAccumulator,
  { choices, scalars, take, ranks }: EvaluateSplitOptions = {},
): Promise<Grid> {
  try {
    for await (const batch of reader.batches({ batchSize: executor.capacity })) {
      const together = ranks !== undefined && ranks.size > 1;
      const found = together ? undefined : await executor.run({ ...batch, scalars });
      const logits = together
        ? await scoreTogether(executor, batch, scalars, ranks)
        : (found?.logits.data as Float32Array);
      if (choices !== undefined && found !== undefined) addChoices(choices, batch, found);
      take?.(batch, logits);
      grid.add({ size: batch.size, logits, labels: batch.labels, scenario: batch.scenario, group: batch.group });
    }
    return await grid.finish();
  } finally {
    grid.dispose();
  }
}

/** Logits [size, T] of a batch, of which each rank scores its rows. */
async function scoreTogether(
  executor: ModelExecutor,
  batch: Batch,
  scalars: Record<string, number> | undefined,
  ranks: Collective,
): Promise<Float32Array> {
  const own = rowsOfRank(batch, ranks);
  const logits = new Float32Array(batch.labels.length); // of other ranks' rows 0
  if (own.size > 0) {
    const found = (await executor.run({ ...own, scalars })).logits.data as Float32Array;
    const tasks = found.length / own.size;
    for (let i = 0; i < own.size; i++)
      logits.set(found.subarray(i * tasks, (i + 1) * tasks), (ranks.rank + i * ranks.size) * tasks);
  }
  await ranks.allReduce(logits, 'sum');
  return logits;
}

/** Accumulates the scores of rows of these data. */
export const newGrid = (
  { scenarios, tasks, hasGroup }: Pick<Manifest, 'scenarios' | 'tasks' | 'hasGroup'>,
  { k, ...means }: Evaluation,
): GridAccumulator => createGrid({ scenarios, tasks, hasGroup, means, k });

/** Metric options of a run. Runs of older versions and imported runs have none: the defaults apply. */
export const evaluationOf = ({ config }: RunRecord): Evaluation => evaluationSchema.parse(config.evaluate ?? {});
