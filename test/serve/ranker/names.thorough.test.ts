/** Names that mean something to JavaScript, to requests or to graphs, from preparation to answers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DatasetInput, datasetSchema } from '../../../src/config/dataset.ts';
import { validate } from '../../../src/data/checks/validate.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { exportRun } from '../../../src/export/export.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { loadRanker } from '../../../src/serve/ranker/ranker.ts';
import { readParquetRows } from '../../data/support.ts';
import { makeRun, temporaryFolder, trainWithStops } from '../../train/support.ts';
import { serving } from '../support.ts';

const OF_JAVASCRIPT = ['constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
const FIELDS = [
  ...OF_JAVASCRIPT,
  ...[
    'items',
    'user',
    'context',
    'explain',
    'score',
    'probabilities',
    'ids',
    'logits',
    'weight',
    'label_click',
    'fields',
  ],
  'scenario', // not the scenario of the row
];
const TASKS = [...OF_JAVASCRIPT, 'scenario', 'logits', 'log', 'weight', 'group', 'ids'];
const SCENARIOS = ['constructor', 'toString'];
const TYPES = ['constructor', 'toString', 'scenario'];

const { path: folder, remove } = temporaryFolder();
const [data, run, out, log] = ['data', 'run', 'artifact', 'log.csv'].map((name) => join(folder, name));
let rows: Record<string, unknown>[];

beforeAll(async () => {
  const names = [
    ...FIELDS.map((name) => `f_${name}`),
    ...TASKS.map((name) => `t_${name}`),
    'place',
    'who',
    'seen',
    ...TYPES.map((type) => `sequence_${type}`),
  ];
  const lines = Array.from({ length: 300 }, (_, i) =>
    [
      ...FIELDS.map((_, k) => `v${(i * (k + 3)) % 7}`),
      ...TASKS.map((_, k) => Number((i * 7 + k * 5) % 11 < 4)),
      SCENARIOS[(i >> 2) % 2],
      i % 13,
      i,
      ...TYPES.map((_, k) => `v${(i + k) % 7}|v${(i * 3 + k) % 7}`), // rows to be scored bring their sequences along
    ].join(','),
  );
  writeFileSync(log, [names.join(','), ...lines].join('\n'));
  const config: DatasetInput = {
    name: 'constructor',
    sources: { constructor: { path: 'log.csv' } },
    fields: FIELDS.map((name) => ({ name, kind: 'categorical', expression: `f_${name}` })),
    scenario: { expression: 'place', values: SCENARIOS },
    tasks: TASKS.map((name) => ({ name, label: `t_${name}` })),
    sequences: {
      key: 'who',
      time: 'seen',
      item: 'items',
      length: 3,
      types: Object.fromEntries(TYPES.map((type) => [type, 'true'])),
    },
    split: { kind: 'time', column: 'seen' },
  };
  const parsed = datasetSchema.parse(config);
  const findings = await validate(parsed, folder);
  expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
  await prepare({ config: parsed, sourceFolder: folder, out: data });
  await makeRun(run, data, {
    model: { key: 'mmoe', embeddingDim: 4 },
    train: { maxEpochs: 2, taskWeights: { toString: 2 }, tasks: undefined },
  });
  await trainWithStops(run);
  await exportRun(run, { out, name: 'constructor', calibrate: 'none', threads: 1 });
  const output = join(folder, 'scores.parquet');
  await predictRun(out, { data, input: log, output, threads: 1 });
  rows = await readParquetRows(output);
});
afterAll(remove);

const requestOf = (row: Record<string, unknown>) => ({
  scenario: String(row.place),
  user: {
    ...Object.fromEntries(FIELDS.slice(0, 8).map((name) => [name, row[`f_${name}`]])),
    sequences: Object.fromEntries(TYPES.map((type) => [type, String(row[`sequence_${type}`]).split('|')])),
  },
  items: [{ id: 'a', ...Object.fromEntries(FIELDS.slice(8).map((name) => [name, row[`f_${name}`]])) }],
});

test('served probabilities are those of predict', async () => {
  const ranker = await loadRanker(out);
  expect(rows).toHaveLength(300);
  for (const row of rows.slice(0, 40)) {
    const { items } = await ranker.score(requestOf(row));
    expect(items[0].probabilities).toEqual(
      Object.fromEntries(TASKS.map((task) => [task, Math.fround(Number(row[`probability_${task}`]))])),
    );
  }
  await ranker.close();
});

test('fields that a request leaves out are not known, whatever every object has', async () => {
  const ranker = await loadRanker(out);
  const none = Object.fromEntries(FIELDS.map((name) => [name, null]));
  const [left, given] = [
    await ranker.score({ scenario: 'toString', items: [{ id: 1 }], explain: true }),
    await ranker.score({ scenario: 'toString', user: none, items: [{ id: 1 }] }),
  ];
  expect(left.items[0].probabilities).toEqual(given.items[0].probabilities);
  expect(Object.keys(left.items[0].explanation?.fields ?? {})).toEqual([...FIELDS, 'sequences']);
  await ranker.close();
});

test('the service answers with a model of that name, its own scores and its description', async () => {
  const { ask } = await serving([out], {
    score: { constructor: { default: 'log + toString', scenarios: { constructor: 'constructor' } } },
  });
  const { status, body } = await ask('/v1/rank', { ...requestOf(rows[0]), model: 'constructor' });
  expect(status).toBe(200);
  const [{ score, probabilities }] = body.items;
  expect(body.model).toMatch(/^constructor@/);
  expect(rows[0].place).toBe('constructor');
  expect(score).toBe(probabilities.constructor);
  const { body: other } = await ask('/v1/rank', requestOf(rows[4]));
  expect(other.items[0].score).toBe(other.items[0].probabilities.log + other.items[0].probabilities.toString);
  expect((await ask('/v1/rank', { ...requestOf(rows[0]), model: 'toString' })).status).toBe(404);
  for (const page of ['/openapi.json', '/docs', '/metrics']) expect((await ask(page)).status).toBe(200);
});

test('tensors: those of the graph by their types, those of fields unless one is called scenario', async () => {
  const { ask } = await serving([out]);
  const tensor = (name: string, datatype: string, shape: number[], datum: unknown[]) => ({
    name,
    datatype,
    shape,
    data: datum,
  });
  const answer = await ask('/v2/models/constructor/infer', {
    inputs: [
      tensor('ids', 'INT32', [1, FIELDS.length], new Array(FIELDS.length).fill(1)),
      tensor('scenario', 'INT32', [1], [1]),
    ],
  });
  expect(answer.status).toBe(200);
  expect(answer.body.outputs.map(({ name }: { name: string }) => name)).toEqual([
    'logits',
    ...TASKS.map((task) => `probability_${task}`),
  ]);
  const fields = await ask('/v2/models/constructor/infer', {
    inputs: [tensor('ids', 'BYTES', [1], ['v1']), tensor('scenario', 'BYTES', [1], ['toString'])],
  });
  expect([fields.status, fields.body.code]).toEqual([400, 'TENSOR_INVALID']);
  expect(fields.body.error).toMatch(/a field of this name that is not the scenario/);
});
