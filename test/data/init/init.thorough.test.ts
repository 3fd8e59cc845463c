import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { init } from '../../../src/data/init/init.ts';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { failure, fixture, temporaryFolder } from '../support.ts';
import { proposeAndPrepare } from './init-proposal.ts';

const IMPRESSIONS = `time,user_id,item_id,tab,is_click,long view,duration,tags,note,version
${Array.from({ length: 400 }, (_, i) => {
  const tags = ['a', 'b', 'c'].slice(0, 1 + (i % 3)).join(';');
  return `2024-01-${String(1 + Math.floor(i / 20)).padStart(2, '0')} 10:00:00,u${i % 37},${i % 23},${i % 5 ? 'home' : 'live'},${i % 2},${i % 3},${i * 1.5},${tags},r${i},7`;
}).join('\n')}`;
const ITEMS = `id,kind,user_id,added\n${Array.from({ length: 23 }, (_, i) => `${i},k${i % 4},x${i % 6},2023-05-01`).join('\n')}`;

describe('a log with a table of items', () => {
  test('is proposed as a reader would', async () => {
    const folder = temporaryFolder({ 'log.csv': IMPRESSIONS, 'meta/items.csv': ITEMS });
    const { config, manifest, yaml, sourceFolder } = await proposeAndPrepare(
      [join(folder, 'log.csv'), join(folder, 'meta/items.csv')],
      folder,
    );
    expect(sourceFolder).toBe(folder);
    expect(config).toMatchObject({
      from: 'log',
      sources: { log: { path: 'log.csv' }, items: { path: 'meta/items.csv' } },
      joins: [{ source: 'items', on: { item_id: 'id' }, kind: 'left' }],
      scenario: { expression: '"tab"', values: ['home', 'live'] },
      tasks: [{ name: 'is_click', label: '"is_click"' }],
      group: '"log"."user_id"',
      split: { kind: 'time', column: '"time"' },
    });
    expect(config.fields.map((f) => [f.kind, f.name, 'expression' in f ? f.expression : undefined])).toEqual([
      ['categorical', 'user_id', '"log"."user_id"'],
      ['categorical', 'item_id', undefined],
      ['categorical', 'long_view', '"long view"'],
      ['numeric', 'duration', undefined],
      ['multi', 'tags', undefined],
      ['categorical', 'kind', undefined],
      ['categorical', 'items_user_id', '"items"."user_id"'],
    ]);
    expect(config.fields[4]).toMatchObject({ separator: ';' });
    expect(manifest.splits.train.rows).toBe(320);
    for (const comment of [
      /left out: note has a value of its own in nearly every row \(400 values\)/,
      /left out: version is 7 in every row/,
      /is_click.*# .*50\.0 % are 1/,
      /on: \{ item_id: id \}.*# id is unique in items/,
      /# .*latest 10 % \(from 2024-01-01 10:00:00 to 2024-01-20 10:00:00\)\nsplit/,
    ])
      expect(yaml).toMatch(comment);
  });

  test('is written where wished', async () => {
    const folder = temporaryFolder({ 'log.csv': IMPRESSIONS });
    const { yaml } = await init([join(folder, 'log.csv')], { out: join(folder, 'new/log.yaml') });
    expect(readFileSync(join(folder, 'new/log.yaml'), 'utf8')).toBe(yaml);
  });
});

test('files of equal columns are one source, in the order given', async () => {
  const [header, ...lines] = IMPRESSIONS.split('\n');
  const part = (from: number, to: number) => [header, ...lines.slice(from, to)].join('\n');
  const folder = temporaryFolder({ 'b.csv': part(200, 400), 'a.csv': part(0, 200) });
  const { config, manifest } = await proposeAndPrepare([join(folder, 'a.csv'), join(folder, 'b.csv')], folder);
  expect(config.sources).toMatchObject({ a: { path: ['a.csv', 'b.csv'] } });
  expect(manifest.splits.train.rows).toBe(320);
});

test('a larger table that only says what users are is no log', async () => {
  const users = Array.from({ length: 50 }, (_, i) => `${i},${i % 2},${i % 7}`).join('\n');
  const log = Array.from({ length: 20 }, (_, i) => `${i * 2},${i % 3},${Number(i % 4 === 0)}`).join('\n');
  const folder = temporaryFolder({
    'users.csv': `user_id,is_author,age\n${users}\n`,
    'log.csv': `user_id,item,is_click\n${log}\n`,
  });
  const { config } = await init(['users.csv', 'log.csv'].map((name) => join(folder, name)));
  expect([config.from, config.tasks.map(({ name }) => name)]).toEqual(['log', ['is_click']]);
  expect(config.fields.map(({ name }) => name)).toContain('is_author');
});

test('marks make a label where there is none; without scenario or time there is one scenario and chance', async () => {
  const folder = temporaryFolder({
    'r.tsv': `who\tmovie_id\tstars\n${Array.from({ length: 200 }, (_, i) => `${i % 9}\t${i % 31}\t${1 + (i % 5)}`).join('\n')}`,
  });
  const { config } = await proposeAndPrepare([join(folder, 'r.tsv')], folder);
  expect(config).toMatchObject({
    tasks: [{ name: 'high_stars', label: '"stars" > 3' }],
    scenario: { values: ['all'] },
    split: { kind: 'random', seed: 2021 },
  });
});

test('a name that ends in .json gets JSON, another one is refused; a file named twice is one', async () => {
  const folder = temporaryFolder({ 'log.csv': IMPRESSIONS });
  const [log, out] = ['log.csv', 'log.json'].map((name) => join(folder, name));
  const { config } = await init([log, join(folder, '.', 'log.csv')], { out });
  expect(config.sources.log.path).toBe('log.csv');
  expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(JSON.parse(JSON.stringify(config)));
  expect((await failure(init([log], { out: join(folder, 'log.txt') }))).code).toBe('INIT_OUT_NAME');
});

test('columns of any type: what cannot be a field is left out', async () => {
  const folder = temporaryFolder();
  const { connection, close } = await openDuckDB({ access: { folders: [folder] } });
  const file = join(folder, 'log.parquet');
  const columns = [
    'i % 40 AS user_id',
    '((i * 7919) % 13 < 4) AS is_click',
    "{'a': i % 3, 'b': 'x'} AS struct_",
    '[i % 5, i % 7] AS list_',
    "[{'a': i % 3}] AS structs",
    "MAP {'k': i % 3} AS map_",
    '(i % 9)::VARCHAR::BLOB AS blob_',
    "((i % 5)::VARCHAR)::ENUM('0', '1', '2', '3', '4') AS enum_",
    'md5((i % 20)::VARCHAR)::UUID AS item_uuid',
    'INTERVAL (i % 5) DAY AS interval_',
    '(i % 11)::DECIMAL(10, 2) AS decimal_',
    '(i % 6)::HUGEINT AS huge',
    "TIME '10:00:00' + INTERVAL (i % 9) MINUTE AS time_of_day",
    "DATE '2026-01-01' + (i / 20)::INTEGER AS day_",
    '(i % 3)::BIT AS bit_',
    'NULL AS nothing',
    'NULL::VARCHAR[] AS no_list',
  ];
  await execute(connection, `COPY (SELECT ${columns.join(', ')} FROM range(600) AS t(i)) TO '${file}'`, 'writing');
  close();
  const { config, failures } = await init([file], { folder });
  expect(failures).toEqual([]);
  expect(config.split).toMatchObject({ kind: 'time', column: '"day_"' });
  expect(config.fields.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['user_id', 'list_', 'enum_', 'decimal_', 'huge']),
  );
});

describe('what cannot be proposed', () => {
  test('no label: the columns are named', async () => {
    const folder = temporaryFolder({ 'x.csv': 'a,b\n1,5\n2,6\n' });
    const { code, message } = await failure(init([join(folder, 'x.csv')]));
    expect(code).toBe('INIT_NO_LABEL');
    expect(message).toMatch(/x\.csv.*Columns there: a, b/);
  });

  test('no way to join: both sides are named', async () => {
    const folder = temporaryFolder({ 'log.csv': IMPRESSIONS, 'other.csv': 'width,height\n3,1\n4,2\n' });
    const { code, message } = await failure(init([join(folder, 'log.csv'), join(folder, 'other.csv')]));
    expect(code).toBe('INIT_NO_JOIN');
    expect(message).toMatch(/other\.csv shares no column with .*log\.csv.*width, height/);
  });

  test('a delimiter of two characters is found, names are not', async () => {
    const { message } = await failure(init([fixture('preparation/ml-1m-mini/ratings.dat')]));
    expect(message).toMatch(/column0, column1, column2, column3/);
  });

  test('a file that is not there', async () => {
    for (const file of ['all.csv', 'all.parquet'])
      expect((await failure(init([`/nowhere/at/${file}`]))).message).toMatch(/\/nowhere\/at\/all/);
  });
});
