/**
 * Served, logged and prepared features are the same: a model trained on joined sources, served with tables of them, answers
 * requests with ids alone as `predict` scores the rows of the log, bit for bit.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { datasetSchema, type SplitName } from '../../../src/config/dataset.ts';
import { loadDatasetConfig } from '../../../src/config/load.ts';
import { createRowEncoder } from '../../../src/data/encode/encoder.ts';
import { firstSlots, OUT_OF_VOCABULARY_ID, type PreparedField, slotsOf } from '../../../src/data/encode/ids.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import type { Impression } from '../../../src/events/event.ts';
import { exportRun } from '../../../src/export/export.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { loadRanker } from '../../../src/serve/ranker/ranker.ts';
import { readSegments } from '../../events/read-segments.ts';
import { HOUR, joined, rowsOf } from '../../loop/join/logs.ts';
import { makeRun, trainWithStops } from '../../train/support.ts';
import { serving } from '../support.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-agreement-'));
const path = (name: string): string => join(folder, name);
const out = path('prepared');
const artifact = path('artifact');
const PLACES = ['feed', 'search'];
const USERS = 40;
const ITEMS = 30;
const ROWS = 300;

/** Texts that are easily lost: empty, with quotes and separators, beyond ASCII, numbers that are printed otherwise. */
const TEXTS = ['', 'Zürich', '東京', '"a"', 'a,b', ' x ', '007', '1.50', 'null', "O'Neil", '😀', 'NaN', 'é', 'e\u0301'];
const quoted = (text: string): string => (text === '' ? '' : `"${text.replaceAll('"', '""')}"`);

/** Of the examples only some users and items, so that the tables have values that training never saw. */
beforeAll(async () => {
  const generator = random('feature tables');
  const one = <T>(list: readonly T[]): T => list[generator.below(list.length)];
  const users = Array.from({ length: USERS }, (_, user) =>
    [
      user,
      one(['', '17', '18.0', '-0.0', '1e2', '30.5']),
      quoted(one(TEXTS)),
      one(['1990-01-02', '', '2001-12-31']),
    ].join(','),
  );
  const items = Array.from({ length: ITEMS }, (_, item) =>
    [
      `i${item}`,
      quoted(one(['a|b|c', '', 'a||b', '|', 'ü|a|b|c|d', 'rare'])),
      one(['1.10', '1.1', '', '12', '0']),
    ].join(','),
  );
  const rows = Array.from({ length: ROWS }, (_, row) => {
    // The last two of both are not in the tables.
    const [user, item] = [generator.below(USERS + 2), generator.below(ITEMS + 2)];
    return [user, `i${item}`, generator.below(24), generator.below(2), Number(item % 3 === 0), row].join(',');
  });
  writeFileSync(path('users.csv'), ['id,age,city,born', ...users].join('\n'));
  writeFileSync(path('items.csv'), ['item_id,tags,price', ...items].join('\n'));
  writeFileSync(path('log.csv'), ['user_id,item_id,hour,place,click,time', ...rows].join('\n'));
  const config = datasetSchema.parse({
    name: 'agreement',
    from: 'log',
    sources: {
      log: { path: 'log.csv' },
      users: { path: 'users.csv', derive: { decade: 'floor(age / 10)' } },
      items: { path: 'items.csv' },
    },
    joins: [
      { source: 'users', on: { user_id: 'id' } },
      { source: 'items', on: { item_id: 'item_id' } },
    ],
    fields: [
      { name: 'user_id', kind: 'categorical', minCount: 7 },
      { name: 'age', kind: 'numeric', buckets: { quantiles: 3 } },
      { name: 'weeks', kind: 'numeric', expression: 'age * 7' },
      { name: 'decade', kind: 'categorical' },
      { name: 'city', kind: 'categorical', minCount: 5 },
      { name: 'city_hashed', kind: 'categorical', expression: 'lower(city)', hash: 7 },
      { name: 'born_in', kind: 'categorical', expression: 'year(TRY_CAST(born AS DATE))' },
      { name: 'item_id', kind: 'categorical' },
      { name: 'tags', kind: 'multi', maxLength: 3 },
      { name: 'tags_hashed', kind: 'multi', expression: "string_split(tags, '|')", maxLength: 2, hash: 5 },
      { name: 'price', kind: 'categorical' },
      { name: 'price_number', kind: 'numeric', expression: 'price', buckets: { edges: [0.5, 1.1, 5] } },
      { name: 'hour', kind: 'categorical' },
    ],
    scenario: { expression: 'place', values: [0, 1], names: PLACES },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'time', column: 'time' },
  });
  await prepare({ config, sourceFolder: folder, out });
  await makeRun(path('run'), out, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(path('run'));
  await exportRun(path('run'), { out: artifact, calibrate: 'none', threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The examples: what a request says of them, and what `predict` answers. */
async function examples() {
  const output = path('predicted.parquet');
  await predictRun(artifact, { data: out, input: path('log.csv'), output, threads: 1 });
  const { connection, close } = await openDuckDB({ access: { files: [output] } });
  const rows = await query(connection, `SELECT * FROM '${output}'`, 'reading');
  close();
  return rows.map((row) => ({
    user: Number(row.user_id),
    item: String(row.item_id),
    hour: String(row.hour),
    scenario: String(row.scenario),
    click: Number(row.probability_click),
  }));
}

const FEATURES = {
  tables: {
    users: { of: 'user', path: path('users.csv'), on: { user_id: 'id' } },
    items: { of: 'item', path: path('items.csv'), on: { id: 'item_id' } },
  },
  ownProcess: false,
} as const;

test('ids alone give the probabilities of predict; log, joined rows and the next data set have the prepared ids', async () => {
  const rows = await examples();
  const log = path('events');
  const client = await serving([artifact], { features: FEATURES, events: { folder: log, sync: 'never' } });
  for (const [row, { user, item, hour, scenario, click }] of rows.entries()) {
    const request = {
      scenario,
      user: { user_id: user },
      context: { hour },
      items: [{ id: item }],
      request_id: `r${row}`,
    };
    const { body } = await client.ask('/v1/rank', request);
    expect(body.items[0].probabilities, `row ${row}`).toEqual({ click });
  }
  await client.service.close();

  // So does a ranker without a service.
  await using ranker = await loadRanker(artifact, { config: { features: FEATURES } });
  for (const { user, item, hour, scenario, click } of rows.slice(0, 20)) {
    const request = { scenario, user: { user_id: user }, context: { hour }, items: [{ id: item }] };
    expect((await ranker.rank(request)).items[0].probabilities).toEqual({ click });
  }

  // The values in the log, encoded, are the ids in the prepared rows.
  const data = await openPrepared(out);
  const { fields, config } = data.manifest;
  const tokens = new Map<string, string[]>();
  for (const { name } of fields) tokens.set(name, await data.tokens(name));
  const encoder = createRowEncoder({ config, fields, tokens: (field) => tokens.get(field) ?? [] });
  const logged = new Map<number, Int32Array>();
  for await (const { events } of readSegments(log))
    for (const event of events as Impression[]) {
      const ids = new Int32Array(slotsOf(fields));
      encoder.encode({ ...event.values, ...event.items[0].values }, ids);
      logged.set(Number(event.request_id.slice(1)), ids);
    }
  expect(logged.size).toBe(ROWS);

  // The same of the rows that are joined from the log, and of the data set that is prepared of them.
  const joinedRows = path('rows');
  const joining = {
    artifact,
    tasks: { click: { window: '1h' } },
    split: { kind: 'time' as const, column: 'log_time' },
  };
  const { dataset } = await joined(log, joinedRows, joining, { now: Date.now() + 2 * HOUR });
  const asIds = (row: Record<string, unknown>): number[] => {
    const ids = new Int32Array(slotsOf(fields));
    encoder.encode(row, ids);
    return Array.from(ids);
  };
  const texts = new Map<number, string>();
  for (const row of await rowsOf(joinedRows)) {
    const number = Number(String(row.log_request_id).slice(1));
    expect(asIds(row), `joined row ${number}`).toEqual(Array.from(logged.get(number) ?? []));
    texts.set(number, asIds(row).join());
  }
  expect(texts.size).toBe(ROWS);
  const next = path('next');
  const again = await loadDatasetConfig(dataset);
  await prepare({ config: again, sourceFolder: joinedRows, out: next, vocabularyFrom: out });
  const found: string[] = [];
  for (const split of ['train', 'validation', 'test'] as const)
    found.push(...(await knownIds(next, fields, tokens, split)));
  expect(found.sort()).toEqual([...texts.values()].sort());
  let compared = 0;
  let row = 0;
  for (const split of ['train', 'validation', 'test'] as const) {
    const reader = await data.open(split);
    for await (const { size, ids } of reader.batches({ batchSize: 100 }))
      for (let i = 0; i < size; i++, row++) {
        const slots = slotsOf(fields);
        expect(Array.from(ids.subarray(i * slots, (i + 1) * slots)), `row ${row}`).toEqual(
          Array.from(logged.get(row) ?? []),
        );
        compared++;
      }
    await reader.close();
  }
  expect(compared).toBe(ROWS);
});

/** The rows of a split with the ids that an earlier vocabulary gives their tokens: those it does not know are out of it. */
async function knownIds(
  folder: string,
  fields: readonly PreparedField[],
  tokens: ReadonlyMap<string, string[]>,
  split: SplitName,
): Promise<string[]> {
  const data = await openPrepared(folder);
  const now = data.manifest.fields;
  const first = firstSlots(now);
  const rows: string[] = [];
  for await (const { size, ids } of data.batches(split))
    for (let i = 0; i < size; i++) {
      const row = now.flatMap(({ name, slots, offset, size: numbers }, f) => {
        const { offset: before, size: known } = fields.find((field) => field.name === name) as PreparedField;
        // A field that hashes or counts has no tokens that grow.
        const most = tokens.get(name)?.length || Math.min(known, numbers);
        return Array.from({ length: slots }, (_, s) => {
          const id = ids[i * slotsOf(now) + first[f] + s] - offset;
          return before + (id < most ? id : OUT_OF_VOCABULARY_ID);
        });
      });
      rows.push(row.join());
    }
  return rows;
}
