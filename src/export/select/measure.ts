/** Measures switches on the rows of a split. */
import type { SplitName } from '../../config/dataset.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { transpose } from '../../graph/index.ts';
import { compileServing } from '../../inference/graphs/serving.ts';
import type { TrainedModel } from '../../inference/model/trained.ts';
import { batchesOf, feedsOf, openGraph } from '../../inference/serving/rows-session.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { SwitchCounts, Switches } from './switches.ts';

/** Counts the ones of every switch among the rows of each scenario. `switches` are tensors of one graph, at least one. */
export async function measureSwitches(
  served: TrainedModel,
  switches: readonly Switches[],
  data: PreparedData,
  split: SplitName,
  options: SessionOptions = {},
): Promise<SwitchCounts> {
  const scenarios = served.data.scenarios.length;
  const rows = new Array<number>(scenarios).fill(0);
  const ones = switches.map(({ count }) => rows.map(() => new Array<number>(count).fill(0)));
  const outputs = switches.map(({ tensor, axis }, i) => [
    `switch.${i}`,
    axis === 1 ? tensor : transpose(tensor, [1, 0]), // [B,n]
  ]);
  const session = await openGraph(served, compileServing(served, Object.fromEntries(outputs)), options);
  try {
    for await (const batch of batchesOf(data, split)) {
      const found = await session.run(feedsOf(served.data, batch, session.inputs));
      for (let row = 0; row < batch.size; row++) rows[batch.scenario[row]]++;
      switches.forEach(({ count }, i) => {
        const values = found[`switch.${i}`].data;
        for (let row = 0; row < batch.size; row++) {
          const own = ones[i][batch.scenario[row]];
          for (let k = 0; k < count; k++) own[k] += values[row * count + k];
        }
      });
    }
  } finally {
    await session.release();
  }
  return { rows, ones: Object.fromEntries(switches.map(({ name }, i) => [name, ones[i]])) };
}
