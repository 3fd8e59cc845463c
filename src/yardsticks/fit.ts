/** Fits yardsticks to the training rows of a data set. A function of the data alone. */
import type { SplitName } from '../config/dataset.ts';
import type { PreparedData, SplitReader } from '../data/prepared/prepared.ts';
import type { Yardstick, YardstickKey } from './contract.ts';
import { fitLogistic } from './logistic.ts';
import { fitPriors } from './priors.ts';
import { type FieldRows, MAX_ROWS, readRows } from './rows.ts';
import { boost, forestLogit } from './trees/boost.ts';
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
  const trees = async (): Promise<Yardstick> => {
    const numbers: (Float64Array | undefined)[] = [];
    for (const field of fields)
      numbers.push(numbersOf(field, field.kind === 'numeric' ? await data.tokens(field.name) : []));
    const forests = tasks.map((_, task) => {
      const own = taskFeatures(fields, numbers, scenarios.length, train, task);
      const labels = (rows: typeof train): Float32Array => rows.labels.filter((_, i) => i % tasks.length === task);
      const forest = boost(
        own.features,
        { rows: train.size, bins: own.train, labels: labels(train), weight: train.weight },
        { rows: validation.size, bins: own.encode(validation), labels: labels(validation), weight: validation.weight },
      );
      return { forest, encode: own.encode };
    });
    return {
      key: 'trees',
      logits(rows: FieldRows) {
        const logits = new Float32Array(rows.size * tasks.length);
        for (const [task, { forest, encode }] of forests.entries()) {
          const bins = encode(rows);
          for (let row = 0; row < rows.size; row++) logits[row * tasks.length + task] = forestLogit(forest, bins, row);
        }
        return logits;
      },
    };
  };
  const fitted: Yardstick[] = [];
  for (const key of keys)
    fitted.push(
      key === 'priors'
        ? fitPriors(train, sizes.scenarios, sizes.tasks)
        : key === 'logistic'
          ? fitLogistic(fields, sizes, train, validation)
          : await trees(),
    );
  return fitted;
}
