import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { exportRun } from '../../src/export/export.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import type { Ranker } from '../../src/serve/ranker/ranker-contract.ts';
import { warmRequests } from '../../src/serve/ranker/warm.ts';
import { failure, readParquetRows } from '../data/support.ts';
import { makeRun, temporaryFolder, trainWithStops } from '../train/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('17-field-called-id');
const { path: folder, remove } = temporaryFolder();
let ranker: Ranker;
let predicted: Record<string, unknown>[];

beforeAll(async () => {
  const [data, run, out] = ['data', 'run', 'artifact'].map((name) => join(folder, name));
  await prepare({ config: await loadDatasetConfig(join(FAULT, 't.yaml')), sourceFolder: FAULT, out: data });
  await makeRun(run, data, { model: { key: 'mmoe', embeddingDim: 4 }, train: { batchSize: 64, maxEpochs: 3 } });
  await trainWithStops(run);
  await exportRun(run, { out, calibrate: 'none', threads: 1 });
  const output = join(folder, 'scores.parquet');
  await predictRun(out, { data, input: join(FAULT, 'log.csv'), output, threads: 1 });
  predicted = await readParquetRows(output);
  ranker = await loadRanker(out);
});
afterAll(async () => {
  await ranker.close();
  remove();
});

/** Probability of a click in the scenario home, of the item 5 and a field called id, as `predict` gives it. */
function expected(id: number): number {
  const row = predicted.find((row) => Number(row.id) === id && row.place === 'home');
  return Number(row?.probability_click);
}

const clickOf = async (request: object, item: object = { id: 'a' }): Promise<number> => {
  const row = predicted.find((row) => row.place === 'home' && Number(row.id) === 17);
  const { items } = await ranker.score({
    scenario: 'home',
    ...request,
    items: [{ ...item, item: row?.item }],
  } as never);
  return items[0].probabilities.click;
};

test('the field of the user decides, whatever the candidate is called', async () => {
  const [of17, of18] = [await clickOf({ user: { id: 17 } }), await clickOf({ user: { id: 18 } })];
  expect(of17).toBe(expected(17));
  expect(of18).not.toBe(of17);
  expect(await clickOf({ user: { id: 17 } }, { id: 18 })).toBe(of17);
  expect(await clickOf({ context: { id: 17 } }, { id: 18 })).toBe(of17);
});

test('a field of the items has a place of its own', async () => {
  expect(await clickOf({}, { id: 18, fields: { id: 17 } })).toBe(expected(17));
  expect(await clickOf({ user: { id: 18 } }, { id: 18, fields: { id: 17 } })).toBe(expected(17));
});

test('nobody forgets it: a request without the field is refused, null says that it is not known', async () => {
  const { code, message } = await failure(clickOf({}));
  expect(code).toBe('REQUEST_INVALID');
  expect(message).toMatch(/items\.0\.fields\.id: is missing: the model has a field called id/);
  const unknown = await clickOf({ user: { id: null } });
  expect(unknown).toBe(await clickOf({ user: { id: 'nobody' } }));
  expect((await failure(clickOf({ user: { id: 1 } }, { id: 'a', fields: { nothing: 1 } }))).message).toMatch(
    /items\.0\.fields\.nothing: the model has no such field/,
  );
  expect((await failure(clickOf({ user: { id: 1 } }, { id: 'a', fields: [] }))).message).toMatch(
    /items\.0\.fields: expected/,
  );
});

test('the requests that warm a model are answered', async () => {
  for (const request of warmRequests(ranker.manifest)) await ranker.warm(request);
});
