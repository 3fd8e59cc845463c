/** What a model learned of a synthetic world's planted effects, as text. */
import type { PreparedData } from '../data/prepared/prepared.ts';
import { type Recovery, recoverStrengths } from '../data/synthetic/recovery.ts';
import { plantedTruth, type World } from '../data/synthetic/world.ts';
import { openModel } from '../inference/model/finished.ts';
import { numeric, tableOf, textTable } from '../report/table.ts';
import { shortName } from './planted.ts';

/** Scores the test rows, which are the last ones of the world, in its order. */
async function recover(world: World, data: PreparedData, run: string): Promise<Recovery> {
  const { splits, tasks } = data.manifest;
  const before = splits.train.rows + splits.validation.rows;
  const model = await openModel(run);
  const reader = await data.open('test');
  const accumulator = recoverStrengths(world);
  try {
    for await (const batch of reader.batches({ batchSize: model.batchSize })) {
      const logits = await model.score(batch); // [B,T]
      for (let i = 0; i < batch.size; i++)
        accumulator.add(world.row(before + batch.row[i]), logits.subarray(i * tasks.length, (i + 1) * tasks.length));
    }
    return accumulator.finish();
  } finally {
    await reader.close();
    await model.close();
  }
}

/** A line per cell: what each planted effect adds to the model's logit, next to what was planted. */
export async function recoveredText(world: World, data: PreparedData, run: string): Promise<string> {
  const { cells, noise, informative, separation } = await recover(world, data, run);
  const names = plantedTruth(world).flows.map(({ name }) => shortName(name));
  const table = tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    ...names.map((name, k) =>
      numeric<Recovery['cells'][number]>(name, ({ flows }) => {
        const { recovered, planted, noise } = flows[k];
        return `${recovered.toFixed(2)} of ${planted.toFixed(1)}${noise ? ' *' : '  '}`;
      }),
    ),
  ]);
  return [
    "strength recovered by the model, of the strength planted (change of the logit per unit of a flow's effect)",
    ...textTable(table),
    `mean ${informative.toFixed(2)} where planted, ${noise.toFixed(2)} where noise (*); ${(100 * separation).toFixed(0)} % of the pairs in the right order`,
  ].join('\n');
}
