/** The row encoder and the service against preparation and `predict`, on every row of a file. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportRun, selectRun } from '../../../src/export/export.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../../train/support.ts';
import { startCommand } from '../command.ts';

const ROWS = 10_000;
const SCENARIOS = ['feed', 'search'];
const { path: folder, remove } = temporaryFolder();
const run = join(folder, 'run');
let data: string;

beforeAll(async () => {
  data = await prepareSmall(folder, ROWS);
  await makeRun(run, data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(run);
});
afterAll(remove);

interface Row {
  place: string;
  click: number;
  buy: number;
  values: Record<string, string>;
}

/** The rows as `predict` wrote them: their columns, and the probabilities that it gave. */
async function readRows(file: string): Promise<Row[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  const found = await connection.runAndReadAll(`SELECT * FROM '${file}'`);
  connection.closeSync();
  return found.getRowObjectsJS().map(({ user, item, tags, place, probability_click, probability_buy }) => ({
    place: String(place),
    click: Number(probability_click),
    buy: Number(probability_buy),
    values: { user: String(user), item: String(item), tags: String(tags), place: String(place) },
  }));
}

test.each(['exported', 'selected'])(
  '%s: served probabilities of 10,000 rows are those of predict, bit for bit',
  async (how) => {
    const artifact = join(folder, how);
    const predicted = join(folder, `${how}.parquet`);
    const options = { out: artifact, calibrate: 'none', threads: 1 } as const;
    await (how === 'exported' ? exportRun(run, options) : selectRun(run, options));
    await predictRun(artifact, { data, input: join(folder, 'data.csv'), output: predicted, threads: 1 });
    const rows = await readRows(predicted);
    expect(rows.length).toBe(ROWS);

    const service = await startCommand(artifact);
    let compared = 0;
    for (const [s, scenario] of SCENARIOS.entries()) {
      const own = rows.filter(({ place }) => place === String(s));
      for (let from = 0; from < own.length; from += 97) {
        const part = own.slice(from, from + 97);
        const items = part.map(({ values }, id) => ({ id, ...values }));
        const { text } = await service.ask('/v1/score', { scenario, items });
        const found = JSON.parse(text).items.map((item: { probabilities: object }) => item.probabilities);
        expect(found).toEqual(part.map(({ click, buy }) => ({ click, buy })));
        compared += part.length;
      }
    }
    expect(compared).toBe(ROWS);
  },
);
