/** What a training over ranks should send: sizes of a run, and the table rows that its batches read. */
import { runSchema } from '../../../src/config/run.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { openRun } from '../../../src/store/run/run-folder.ts';
import { rowsOfRank } from '../../../src/train/ranks/rows.ts';
import { setUp } from '../../../src/train/run/setup.ts';

/** Dense parameters and numbers per table row of a run. */
export async function sizesOf(run: string, data: string): Promise<{ dense: number; dimension: number }> {
  const setup = await setUp(runSchema.parse(openRun(run).config), await openPrepared(data));
  return { dense: setup.denseParameters, dimension: setup.weights.tables.dimension };
}

/** Of a rank in a step: its distinct table rows, those that others own, those of all that it owns, and those that others want of it. */
export type RowsUsed = Record<'own' | 'elsewhere' | 'owned' | 'wanted', number>;

/** For each batch of the first epoch (seed 3) and each rank. */
export async function rowsUsed(data: string, batchSize: number, ranks: number): Promise<RowsUsed[][]> {
  const prepared = await openPrepared(data);
  const { fields } = prepared.manifest;
  const padding = new Set(fields.map(({ offset }) => offset));
  await using reader = await prepared.open('train');
  const found: RowsUsed[][] = [];
  for await (const batch of reader.batches({ batchSize, shuffle: { seed: 3, epoch: 0 } })) {
    const distinct = ({ ids }: { ids: Int32Array }) => [...new Set(ids)].filter((id) => !padding.has(id));
    const all = distinct(batch);
    const byRank = Array.from({ length: ranks }, (_, rank) => distinct(rowsOfRank(batch, { rank, size: ranks })));
    found.push(
      byRank.map((own, rank) => {
        const others = byRank.filter((_, other) => other !== rank).flat();
        return {
          wanted: others.filter((id) => id % ranks === rank).length,
          own: own.length,
          elsewhere: own.filter((id) => id % ranks !== rank).length,
          owned: all.filter((id) => id % ranks === rank).length,
        };
      }),
    );
  }
  return found;
}
