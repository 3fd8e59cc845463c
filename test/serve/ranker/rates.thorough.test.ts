/** Rates from preparation to answers: a request gives the fields that they follow from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seal, unseal } from '../../../src/base/seal.ts';
import { type DatasetInput, datasetSchema } from '../../../src/config/dataset.ts';
import { runSchema } from '../../../src/config/run.ts';
import { validate } from '../../../src/data/checks/validate.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { exportRun } from '../../../src/export/export.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { loadRanker } from '../../../src/serve/ranker/ranker.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { readParquetRows } from '../../data/support.ts';
import { makeRun, temporaryFolder, trainWithStops } from '../../train/support.ts';
import { serving } from '../support.ts';

const { path: folder, remove } = temporaryFolder();
const [data, run, out, log] = ['data', 'run', 'artifact', 'log.csv'].map((name) => join(folder, name));
let rows: Record<string, unknown>[];

beforeAll(async () => {
  const lines = Array.from({ length: 400 }, (_, i) =>
    [`u${(i * 7) % 13}`, `i${(i * i) % 11}`, i % 50, i, Number((i * 5) % 11 < 4)].join(','),
  );
  writeFileSync(log, ['user,item,price,seen,click', ...lines].join('\n'));
  const config: DatasetInput = {
    name: 'rates',
    sources: { log: { path: 'log.csv' } },
    fields: [
      { kind: 'rate', name: 'rate_of_both', of: ['user', 'item'], task: 'click' },
      { kind: 'categorical', name: 'user' },
      { kind: 'rate', name: 'rate_of_item', of: ['item'], task: 'click' },
      { kind: 'categorical', name: 'item' },
      { kind: 'numeric', name: 'price', buckets: { quantiles: 5 } },
      { kind: 'rate', name: 'rate_of_user', of: ['user'], task: 'click' },
    ],
    scenario: { expression: 'seen % 2', values: [0, 1], names: ['even', 'odd'] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'time', column: 'seen' },
  };
  const parsed = datasetSchema.parse(config);
  expect((await validate(parsed, folder)).filter(({ level }) => level === 'fail')).toEqual([]);
  await prepare({ config: parsed, sourceFolder: folder, out: data });
  await makeRun(run, data, {
    model: { key: 'mmoe', embeddingDim: 4 },
    train: { maxEpochs: 2, tasks: undefined, taskWeights: {} },
  });
  await trainWithStops(run);
  await exportRun(run, { out, name: 'rates', calibrate: 'none', threads: 1 });
  const output = join(folder, 'scores.parquet');
  await predictRun(out, { data, input: log, output, threads: 1 });
  rows = await readParquetRows(output);
});
afterAll(remove);

const scenarioOf = ({ seen }: Record<string, unknown>): string => (Number(seen) % 2 === 0 ? 'even' : 'odd');
const probabilityOf = (row: Record<string, unknown>): number => Math.fround(Number(row.probability_click));

test('served probabilities are those of predict, in requests of several items as well', async () => {
  const ranker = await loadRanker(out);
  for (const row of rows.slice(0, 60)) {
    // Items of rows with the same user, scenario and therefore anything else that a request shares.
    const same = rows.filter((other) => other.user === row.user && scenarioOf(other) === scenarioOf(row));
    const { items } = await ranker.score({
      scenario: scenarioOf(row),
      user: { user: row.user },
      items: same.map(({ item, price }, id) => ({ id, item, price })),
    });
    expect(items.map(({ probabilities }) => probabilities.click)).toEqual(same.map(probabilityOf));
  }
  await ranker.close();
});

test('explain: an unknown rate is that of new values, which training has seen; nothing is lost where it is that already', async () => {
  await using ranker = await loadRanker(out);
  const { encoder, encoded } = await ranker.opened({
    scenario: 'even',
    user: { user: 'new' },
    items: [{ id: 1, item: 'new', price: 1 }],
  });
  const rates = ['rate_of_both', 'rate_of_item', 'rate_of_user'].map((name) => encoder.parts.indexOf(name));
  expect(encoder.without(encoded, 0, [rates]).ids).toEqual(encoded.ids);
  const { items } = await ranker.rank({
    scenario: 'even',
    explain: true,
    user: { user: 'new' },
    items: [{ id: 1, item: 'new', price: 1 }],
  });
  expect(items[0].explanation?.fields.rate_of_user).toEqual({ click: 0 });
});

test('requests do not give rates, and their description does not name them', async () => {
  const { ask } = await serving([out]);
  const request = { scenario: 'even', user: { user: 'u1' }, items: [{ id: 1, item: 'i1' }] };
  expect((await ask('/v1/rank', request)).status).toBe(200);
  const { status, body } = await ask('/v1/rank', { ...request, user: { user: 'u1', rate_of_user: 0.2 } });
  expect([status, body.error.code]).toEqual([400, 'REQUEST_INVALID']);
  const { components } = (await ask('/openapi.json')).body;
  const { user } = components.schemas['rates.RankRequest'].properties;
  expect(Object.keys(user.properties)).toEqual(['user', 'item', 'price']);
});

test('a table with ids beyond those of its field is refused', async () => {
  const manifest = join(out, 'manifest.json');
  const before = readFileSync(manifest, 'utf8');
  const { value } = unseal(before) as { value: { data: { fields: { name: string; size: number }[] } } };
  const field = value.data.fields.find(({ name }) => name === 'rate_of_item');
  if (field === undefined) throw new Error('the field is missing');
  const changed = structuredClone(value);
  for (const one of changed.data.fields)
    if (one.name === 'rate_of_item') Object.assign(one, { rates: { of: ['price', 'nobody'], unknown: 10_000 } });
  writeFileSync(manifest, seal(changed));
  await expect(loadRanker(out)).rejects.toMatchObject({
    code: 'ARTIFACT_INVALID',
    message: expect.stringMatching(/is the rate of nobody.*rows without a rate get 10000/s),
  });
  writeFileSync(manifest, before);
});

test('the fields of a rate stay in the artifact of a model that reads the rate alone', async () => {
  const [own, exported, output] = ['streams', 'streams-artifact', 'streams.parquet'].map((name) => join(folder, name));
  const [open, closed] = [1, 0].map((gate) => [[gate], [gate]]);
  const flows = { fields: [['rate_of_item'], [], ['price'], []], cells: [open, closed, open, closed] };
  const prepared = await openPrepared(data);
  const train = { batchSize: 100, maxEpochs: 1 };
  const config = runSchema.parse({ model: { key: 'streams', embeddingDim: 4, flows }, train, yardsticks: 'none' });
  await trainWithStops(await newRun(config, prepared, { folder: own }));
  const { manifest } = await exportRun(own, { out: exported, calibrate: 'none', threads: 1 });
  expect(manifest.data.fields.map(({ name }) => name)).toEqual(['rate_of_item', 'item', 'price']);
  expect(manifest.data.unreadFields).toEqual(['user']);
  await predictRun(own, { input: log, output, threads: 1 });
  await using ranker = await loadRanker(exported);
  for (const row of (await readParquetRows(output)).slice(0, 30)) {
    const { items } = await ranker.score({
      scenario: scenarioOf(row),
      items: [{ id: 0, item: row.item, price: row.price }],
    });
    expect(items[0].probabilities.click).toBe(probabilityOf(row));
  }
});
