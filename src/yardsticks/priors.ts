/** The rate of each cell: all that is known without fields. Its log loss says what any field is worth. */
import type { Yardstick } from './contract.ts';
import type { LabelledRows } from './rows.ts';

/** Half a row more in each class keeps logits finite. */
export function fitPriors(train: LabelledRows, scenarios: number, tasks: number): Yardstick {
  const positive = new Float64Array(scenarios * tasks).fill(0.5);
  const all = new Float64Array(scenarios * tasks).fill(1);
  for (let i = 0; i < train.size * tasks; i++) {
    const label = train.labels[i];
    if (Number.isNaN(label)) continue;
    const row = Math.floor(i / tasks);
    const cell = train.scenario[row] * tasks + (i % tasks);
    positive[cell] += train.weight[row] * label;
    all[cell] += train.weight[row];
  }
  const logits = positive.map((sum, cell) => Math.log(sum / (all[cell] - sum)));
  return {
    key: 'priors',
    logits: ({ size, scenario }) =>
      Float32Array.from(
        { length: size * tasks },
        (_, i) => logits[scenario[Math.floor(i / tasks)] * tasks + (i % tasks)],
      ),
  };
}
