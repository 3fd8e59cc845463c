/** Scores a split and computes the metrics: for validation during training, and for finished models. */
import { type Evaluation, evaluationSchema } from '../config/run.ts';
import type { Batch, Manifest, SplitReader } from '../data/prepared/prepared.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import type { Grid, GridAccumulator } from '../evaluate/grid.ts';
import { createGrid } from '../evaluate/index.ts';
import type { ModelExecutor } from '../inference/arena/executor.ts';
import { addChoices } from '../inference/choices.ts';
import type { RunRecord } from '../store/run/run-folder.ts';

interface EvaluateSplitOptions {
  /** Counts what rows choose, if the graph outputs it. */
  choices?: ChoiceCounts;
  /** Scalar inputs of the graph. */
  scalars?: Record<string, number>;
  /** Takes the logits [size, T] of each batch. */
  take?: (batch: Batch, logits: Float32Array) => void;
}

/** The grid of a whole split. */
export async function evaluateSplit(
  executor: ModelExecutor,
  reader: SplitReader,
  grid: GridAccumulator,
  { choices, scalars, take }: EvaluateSplitOptions = {},
): Promise<Grid> {
  try {
    for await (const batch of reader.batches({ batchSize: executor.capacity })) {
      const found = await executor.run({ ...batch, scalars });
      const logits = found.logits.data as Float32Array;
      if (choices !== undefined) addChoices(choices, batch, found);
      take?.(batch, logits);
      grid.add({ size: batch.size, logits, labels: batch.labels, scenario: batch.scenario, group: batch.group });
    }
    return await grid.finish();
  } finally {
    grid.dispose();
  }
}

/** Accumulates the scores of rows of these data. */
export const newGrid = (
  { scenarios, tasks, hasGroup }: Pick<Manifest, 'scenarios' | 'tasks' | 'hasGroup'>,
  { k, ...means }: Evaluation,
): GridAccumulator => createGrid({ scenarios, tasks, hasGroup, means, k });

/** Metric options of a run. Runs of older versions and imported runs have none: the defaults apply. */
export const evaluationOf = ({ config }: RunRecord): Evaluation => evaluationSchema.parse(config.evaluate ?? {});
