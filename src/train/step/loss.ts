/** Weights of rows and tasks in the loss: additional inputs of a training graph. */
import type { LossReduction } from '../../config/run.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import type { Region } from '../../kernels/index.ts';

export interface LossBuffers {
  /** [B, T]; 0 where missing. */
  labels: Region;
  /** [B, T] */
  lossWeights: Region;
  /** [B]: weights of the model's penalties. */
  rowWeights: Region;
}

/** Totals of the weights of a batch. */
export interface LabelWeights {
  /** Does the task have a label in this batch? */
  labelled: boolean[];
  /** Sum of the weights of a task's labelled rows if it is not a finite number above 0: no loss is defined then. */
  unusable: number | undefined;
}

/** Factor of the sum over `tasks` tasks. */
export const lossScale = (reduction: LossReduction, tasks: number): number => (reduction === 'mean' ? 1 / tasks : 1);

/**
 * Writes labels and their weights in the loss. The loss of a task is its factor times the weighted mean over its labelled rows; with
 * `perScenarioMean`, times the sum of the means over the labelled rows of each scenario.
 */
export function weighLabels(
  batch: Batch,
  factors: readonly number[],
  reduction: LossReduction,
  { labels, lossWeights, rowWeights }: LossBuffers,
): LabelWeights {
  const { size, weight, scenario, labels: given } = batch;
  const tasks = factors.length;
  const perScenario = reduction === 'perScenarioMean';
  let groups = 1;
  if (perScenario) for (let row = 0; row < size; row++) groups = Math.max(groups, scenario[row] + 1);
  const totals = new Float64Array(groups * tasks); // weights of the labelled rows
  const found = new Uint8Array(groups * tasks);
  let total = 0;
  for (let row = 0; row < size; row++) {
    const group = perScenario ? scenario[row] * tasks : 0;
    const own = weight[row];
    total += own;
    for (let t = 0; t < tasks; t++) {
      if (Number.isNaN(given[row * tasks + t])) continue;
      totals[group + t] += own;
      found[group + t] = 1;
    }
  }
  for (let row = 0; row < size; row++) {
    const group = perScenario ? scenario[row] * tasks : 0;
    const own = weight[row];
    rowWeights.view[row] = own / total;
    for (let t = 0; t < tasks; t++) {
      const at = row * tasks + t;
      const missing = Number.isNaN(given[at]);
      labels.view[at] = missing ? 0 : given[at];
      lossWeights.view[at] = missing ? 0 : (factors[t] * own) / totals[group + t];
    }
  }
  return {
    labelled: factors.map((_, t) => found.some((one, at) => at % tasks === t && one === 1)),
    unusable: totals.find((sum, at) => found[at] === 1 && !(sum > 0 && sum < Number.POSITIVE_INFINITY)),
  };
}

/** Losses of the tasks from their parts of the total loss; NaN for a task without a label. */
export const taskMeans = (sums: Float32Array, factors: readonly number[], labelled: boolean[]): Float32Array =>
  sums.map((sum, t) => (labelled[t] ? sum / factors[t] : Number.NaN));
