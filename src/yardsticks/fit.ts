/** Fits yardsticks to the training rows of a data set. A function of the data alone. */
import type { SplitName } from '../config/dataset.ts';
import type { PreparedData, SplitReader } from '../data/prepared/prepared.ts';
import type { Yardstick, YardstickKey } from './contract.ts';
import { fitLogistic } from './logistic.ts';
import { fitPriors } from './priors.ts';
import { type LabelledRows, MAX_ROWS, readRows } from './rows.ts';
import { type BinnedRows, boost, forestLogit } from './trees/boost.ts';
import { numbersOf, taskFeatures } from './trees/features.ts';

/** Opens the rows that the model learned from: all of a split, or those of some scenarios and tasks. */
export type OpenSplit = (split: SplitName) => Promise<SplitReader>;

export async function fitYardsticks(
  data: PreparedData,
  keys: readonly YardstickKey[],
  open: OpenSplit = data.open,
): Promise<Yardstick[]> {
  const { fields, scenarios, tasks, tableRows } = data.manifest;
  const train = await readRows(await open('train'), MAX_ROWS.train);
  const validation = await readRows(await open('validation'), MAX_ROWS.validation);
  const sizes = { scenarios: scenarios.length, tasks: tasks.length, tableRows };
  const fitters: Record<YardstickKey, () => Yardstick | Promise<Yardstick>> = {
    priors: () => fitPriors(train, sizes.scenarios, sizes.tasks),
    logistic: () => fitLogistic(fields, sizes, train, validation),
    trees: () => fitTrees(data, train, validation),
  };
  const fitted: Yardstick[] = [];
  for (const key of keys) fitted.push(await fitters[key]());
  return fitted;
}

/** A forest for each task. */
async function fitTrees(data: PreparedData, train: LabelledRows, validation: LabelledRows): Promise<Yardstick> {
  const { fields, scenarios, tasks } = data.manifest;
  const numbers: (Float64Array | undefined)[] = [];
  for (const field of fields) numbers.push(await numbersOf(field, data.tokens));
  const forests = tasks.map((_, task) => {
    const { features, train: bins, encode } = taskFeatures(fields, numbers, scenarios.length, train, task);
    const binned = (rows: LabelledRows, own: Uint8Array): BinnedRows => ({
      rows: rows.size,
      bins: own,
      labels: rows.labels.filter((_, i) => i % tasks.length === task),
      weight: rows.weight,
    });
    return { forest: boost(features, binned(train, bins), binned(validation, encode(validation))), encode };
  });
  return {
    key: 'trees',
    logits(rows) {
      const logits = new Float32Array(rows.size * tasks.length);
      for (const [task, { forest, encode }] of forests.entries()) {
        const bins = encode(rows);
        for (let row = 0; row < rows.size; row++) logits[row * tasks.length + task] = forestLogit(forest, bins, row);
      }
      return logits;
    },
  };
}
