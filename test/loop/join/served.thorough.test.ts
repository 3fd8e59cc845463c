/** From a service to the next model: what was served is what is joined, prepared and trained on. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../../src/config/load.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { readLine } from '../../../src/events/line.ts';
import { openRowEncoder } from '../../data/row-encoder.ts';
import { artifact, serving, temporaryFolder } from '../../serve/support.ts';
import { makeRun, trainWithStops } from '../../train/support.ts';
import { CONFIG, DAY, HOUR, joined, rowsOf } from './logs.ts';

/** Values that are easily changed on the way: unseen, empty, null, numbers as texts, not ASCII, half of a character. */
const USERS = [
  { user: 'u1', age: 29.5, city: 'Zürich' },
  { user: 'né\u0301e', age: '31', city: '北京' },
  { user: '', age: null, city: 7 },
  { user: '\ud83d', age: 0.1, city: 'a "quoted" \\ text' },
  { user: 1.5, age: -0, city: true },
];
const ITEMS = [
  { id: 1, item: 2, tags: ['t1', 't2', 't3', 't4'], hour: 3 },
  { id: 'two', item: '2', tags: 't5|t6', hour: null },
  { id: 3, item: 1.5e-9, tags: [] },
  { id: '4', item: 'ünseen', tags: [null, 't1', ''], hour: 23, city: null },
];

test('a service, its log, joined rows, a prepared data set and a training agree', async () => {
  const { folder, manifest } = artifact();
  const [log, rows, data, runs] = ['log', 'rows', 'data', 'runs'].map((name) => join(temporaryFolder(), name));
  const service = await serving([folder], { events: { folder: log, unit: 'user', sync: 'always' } });
  const asked: { request_id: string; user: object }[] = [];
  for (let n = 0; n < 30; n++) {
    const request = { request_id: `r${n}`, scenario: manifest.data.scenarios[n % 3], user: USERS[n % USERS.length] };
    const { body, status } = await service.ask('/v1/rank', { ...request, items: ITEMS });
    expect(status).toBe(200);
    asked.push(request);
    const [first, second] = body.items;
    const events = [
      { kind: 'interaction', event_id: `c${n}`, request_id: `r${n}`, item_id: first.id, type: 'click' },
      ...(n % 2 === 0
        ? [{ kind: 'interaction', event_id: `b${n}`, request_id: `r${n}`, item_id: second.id, type: 'buy', value: 5 }]
        : []),
    ];
    await service.ask('/v1/events', { events });
  }
  await service.service.close();

  const config = { ...CONFIG, artifact: folder, split: { kind: 'key' as const, column: 'log_request_id' } };
  // The log by the serving configuration that names it.
  const file = join(temporaryFolder(), 'serving.json');
  writeFileSync(file, JSON.stringify({ events: { folder: log, unit: 'user' } }));
  const { document, dataset } = await joined(file, rows, config, { now: Date.now() + 2 * DAY });
  expect(document).toMatchObject({
    impressions: { joined: 30, duplicates: 0 },
    items: { shown: 120 },
    interactions: { received: 45, matched: 45, unmatched: 0 },
    read: { damaged: 0 },
    tasks: [
      { task: 'click', positive: 30, negative: 90, open: 0 },
      { task: 'purchase', positive: 15, negative: 105, open: 0 },
    ],
  });
  // An hour after the answers a click is known and a purchase is not.
  const early = await joined(log, join(temporaryFolder(), 'rows'), config, { now: Date.now() + HOUR });
  expect(early.document.tasks).toMatchObject([
    { positive: 30, open: 0 },
    { positive: 0, open: 120 },
  ]);

  await prepare({ config: await loadDatasetConfig(dataset), sourceFolder: rows, out: data });
  const prepared = await openPrepared(data);
  const encoder = await openRowEncoder(prepared);
  // What was sent gives the ids that were prepared.
  const sent = (await rowsOf(rows)).map((row) => {
    const { user } = asked.find(({ request_id }) => request_id === row.log_request_id) as (typeof asked)[number];
    const { id, ...item } = ITEMS.find((one) => String(one.id) === row.log_item_id) as (typeof ITEMS)[number];
    const ids = new Int32Array(encoder.slots);
    encoder.encode({ ...user, ...item }, ids);
    return [...ids, row.label_click, row.label_purchase].join();
  });
  const found: string[] = [];
  for (const split of ['train', 'validation', 'test'] as const)
    for await (const { size, ids, labels } of prepared.batches(split))
      for (let i = 0; i < size; i++)
        found.push(
          [...ids.slice(i * encoder.slots, (i + 1) * encoder.slots), ...labels.slice(2 * i, 2 * i + 2)].join(),
        );
  expect(found.sort()).toEqual(sent.sort());

  const run = await makeRun(runs, data, { model: { key: 'mmoe', embeddingDim: 4 }, train: { maxEpochs: 1 } });
  await trainWithStops(run);
});

/** Lists of a user as requests bring them: unseen, empty and missing items, numbers, halves of characters, longer than what the model reads. */
const SEQUENCES: (Record<string, unknown> | undefined)[] = [
  { viewed: [1, '2', 3.5, 1e-7, 5, 6, -0], bought: ['né\u0301e', null, ''] },
  { viewed: [], bought: [59] },
  { viewed: ['\ud83d', true, '北京', 'a "quoted" \\ text'] },
  { viewed: null, bought: ['7', '60', 'nobody knows it'] },
  undefined,
];

test('sequences of requests have the ids that the service computed, also joined and prepared', async () => {
  const { folder, manifest } = artifact({ sequences: true });
  const [log, rows, data, runs] = ['log', 'rows', 'data', 'runs'].map((name) => join(temporaryFolder(), name));
  const service = await serving([folder], { events: { folder: log, unit: 'user', sync: 'always' } });
  for (let n = 0; n < 30; n++) {
    const user = { ...USERS[0], sequences: SEQUENCES[n % SEQUENCES.length] };
    const request = { request_id: `r${n}`, scenario: manifest.data.scenarios[n % 3], user };
    const { body, status } = await service.ask('/v1/rank', { ...request, items: ITEMS });
    expect([status, body.error]).toEqual([200, undefined]);
  }
  await service.service.close();

  const config = { ...CONFIG, artifact: folder, split: { kind: 'key' as const, column: 'log_request_id' } };
  const { dataset, document } = await joined(log, rows, config, { now: Date.now() + 2 * DAY });
  expect(document).toMatchObject({ impressions: { joined: 30 }, read: { damaged: 0 } });
  for (const line of readdirSync(log).flatMap((name) => readFileSync(join(log, name), 'utf8').trim().split('\n')))
    expect(readLine(line)).toMatchObject({ kind: 'impression' });
  const { manifest: own } = await prepare({ config: await loadDatasetConfig(dataset), sourceFolder: rows, out: data });
  const { itemField, length, types } = manifest.data.sequences as NonNullable<typeof manifest.data.sequences>;
  expect(own.sequences).toEqual({ itemField, length, types, from: 'given lists' });
  const prepared = await openPrepared(data);
  const encoder = await openRowEncoder(prepared);
  const size = types.length * length;
  const sent = (await rowsOf(rows)).map((row) => {
    const ids = new Int32Array(size);
    encoder.encodeSequences(SEQUENCES[Number(String(row.log_request_id).slice(1)) % SEQUENCES.length] ?? {}, ids);
    return ids.join();
  });
  const found: string[] = [];
  for (const split of ['train', 'validation', 'test'] as const)
    for await (const { size: batch, sequences } of prepared.batches(split))
      for (let i = 0; i < batch; i++) found.push((sequences as Int32Array).slice(i * size, (i + 1) * size).join());
  expect(found.sort()).toEqual(sent.sort());
  expect(new Set(found).size).toBe(SEQUENCES.length);

  const run = await makeRun(runs, data, { model: { key: 'dtrn', embeddingDim: 4 }, train: { maxEpochs: 1 } });
  await trainWithStops(run);
});
