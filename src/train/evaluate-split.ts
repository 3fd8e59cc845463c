/** Scores a split and computes the metrics: for validation during training, and for finished models. */
import type { Collective } from '../comm/contract.ts';
import { gatherJson } from '../comm/json.ts';
import { localCollective } from '../comm/local.ts';
import { type Evaluation, evaluationSchema } from '../config/run.ts';
import type { Batch, Manifest, SplitReader } from '../data/prepared/prepared.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import type { Grid, GridAccumulator } from '../evaluate/grid.ts';
import { createGrid } from '../evaluate/index.ts';
import type { ModelExecutor } from '../inference/arena/executor.ts';
import { addChoices, sumChoices } from '../inference/choices.ts';
import { addGates, type GateSums, isGateOutput, sumGates } from '../inference/gates.ts';
import type { RunRecord } from '../store/run/run-folder.ts';
import { firstRow, rowsOfRank } from './ranks/rows.ts';

export interface EvaluateSplitOptions {
  /** Counts what rows choose, if the graph outputs it. */
  choices?: ChoiceCounts;
  /** Adds up what gates let through, if the graph outputs it. */
  gates?: GateSums;
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
  { choices, gates, scalars, take, ranks = localCollective() }: EvaluateSplitOptions = {},
): Promise<Grid> {
  try {
    for await (const batch of reader.batches({ batchSize: executor.capacity })) {
      const own = rowsOfRank(batch, ranks);
      const scored = own.size > 0 ? own : firstRow(batch);
      const found = await executor.run({ ...scored, scalars });
      if (choices !== undefined && own.size > 0) addChoices(choices, own, found);
      if (gates !== undefined && own.size > 0) addGates(gates, own, found);
      const logits = await logitsOfAll(own.size > 0 ? (found.logits.data as Float32Array) : undefined, batch, ranks);
      take?.(batch, logits);
      grid.add({ size: batch.size, logits, labels: batch.labels, scenario: batch.scenario, group: batch.group });
    }
    if (choices !== undefined) sumChoices(choices, await gatherJson(ranks, choices));
    if (gates !== undefined && executor.outputs.some(isGateOutput)) sumGates(gates, await gatherJson(ranks, gates));
    return await grid.finish();
  } finally {
    grid.dispose();
  }
}

/** Logits [size, T] of a whole batch, from those of this rank's rows; undefined where it has none. */
async function logitsOfAll(own: Float32Array | undefined, batch: Batch, ranks: Collective): Promise<Float32Array> {
  if (ranks.size === 1 && own !== undefined) return own;
  const logits = new Float32Array(batch.labels.length); // of other ranks' rows 0
  const tasks = batch.labels.length / batch.size;
  for (let from = 0, row = ranks.rank; own !== undefined && from < own.length; from += tasks, row += ranks.size)
    logits.set(own.subarray(from, from + tasks), row * tasks);
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
