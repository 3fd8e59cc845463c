import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { joinKeySql } from '../../../src/data/sources/join-keys.ts';
import { type Database, openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { registerNumberText } from '../../../src/data/sql/functions.ts';
import { dataset, failure, findingsOf, prepareOnce, temporaryFolder, writeParquet } from '../support.ts';

let database: Database;
beforeAll(async () => {
  database = await openDuckDB({ access: {} });
  await registerNumberText(database.connection);
});
afterAll(() => database.close());

describe('a right key matches where nothing is lost on the way to the type of the left one', () => {
  test.each([
    // Left type, right type, right key, the value that it matches (null: none).
    ['BIGINT', 'VARCHAR', "'1'", '1'],
    ['BIGINT', 'VARCHAR', "'-7'", '-7'],
    ['BIGINT', 'VARCHAR', "'01'", null],
    ['BIGINT', 'VARCHAR', "'1e3'", null],
    ['BIGINT', 'VARCHAR', "'1.0'", null],
    ['BIGINT', 'VARCHAR', "' 1'", null],
    ['BIGINT', 'VARCHAR', "'+1'", null],
    ['BIGINT', 'VARCHAR', "'x'", null],
    ['BIGINT', 'VARCHAR', "'9223372036854775807'", '9223372036854775807'],
    ['BIGINT', 'VARCHAR', "'9223372036854775808'", null],
    ['BIGINT', 'DOUBLE', '3.0', '3'],
    ['BIGINT', 'DOUBLE', '1.4', null],
    ['BIGINT', 'DOUBLE', "'nan'", null],
    ['BIGINT', 'DOUBLE', '9007199254740992', '9007199254740992'],
    ['BIGINT', 'DOUBLE', '9007199254740994', null],
    ['BIGINT', 'FLOAT', '16777216', '16777216'],
    ['BIGINT', 'FLOAT', '16777218', null],
    ['BIGINT', 'DECIMAL(9,2)', '5.00', '5'],
    ['BIGINT', 'DECIMAL(9,2)', '5.25', null],
    ['BIGINT', 'BOOLEAN', 'true', '1'],
    ['BIGINT', 'DATE', "'2024-01-01'", null],
    ['TINYINT', 'BIGINT', '7', '7'],
    ['TINYINT', 'BIGINT', '300', null],
    ['DOUBLE', 'BIGINT', '3', '3.0'],
    ['DOUBLE', 'BIGINT', '9007199254740993', null],
    ['DOUBLE', 'VARCHAR', "'1.5'", '1.5'],
    ['DOUBLE', 'VARCHAR', "'1'", '1.0'],
    ['DOUBLE', 'VARCHAR', "'1.0'", '1.0'],
    ['DOUBLE', 'VARCHAR', "'1.50'", null],
    ['DOUBLE', 'FLOAT', '0.1', '0.10000000149011612'],
    ['FLOAT', 'DOUBLE', '0.1', null],
    ['DECIMAL(9,2)', 'DOUBLE', '1.25', '1.25'],
    ['DECIMAL(9,2)', 'DOUBLE', '1.257', null],
    ['VARCHAR', 'BIGINT', '1', '1'],
    ['VARCHAR', 'DOUBLE', '3.0', '3'],
    ['VARCHAR', 'DOUBLE', '0.1', '0.1'],
    ['VARCHAR', 'BOOLEAN', 'true', 'true'],
    ['VARCHAR', 'DATE', "'2024-01-01'", '2024-01-01'],
    ['DATE', 'TIMESTAMP', "'2024-01-01 00:00:00'", '2024-01-01'],
    ['DATE', 'TIMESTAMP', "'2024-01-01 10:30:00'", null],
    ['DATE', 'VARCHAR', "'2024-01-01'", '2024-01-01'],
    ['DATE', 'VARCHAR', "'2024-1-1'", null],
    ['TIMESTAMP', 'DATE', "'2024-01-01'", '2024-01-01 00:00:00'],
    ['TIMESTAMP', 'VARCHAR', "'2024-01-01T10:30:00'", '2024-01-01 10:30:00'],
    ['TIMESTAMP', 'BIGINT', '1704067200', null],
    ['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', "'2024-01-01 10:30:00+00'", '2024-01-01 10:30:00'],
    ['BOOLEAN', 'BIGINT', '2', null],
    ['BOOLEAN', 'VARCHAR', "'t'", null],
    ['UUID', 'VARCHAR', "'00000000-0000-0000-0000-00000000000a'", '00000000-0000-0000-0000-00000000000a'],
  ])('%s = %s: %s', async (left, right, key, expected) => {
    const sql = `SELECT k::VARCHAR AS k, typeof(k) AS type FROM (SELECT ${joinKeySql('key', right, left)} AS k FROM (SELECT ${key}::${right} AS "key"))`;
    const [found] = await query(database.connection, sql, 'comparing');
    expect(found).toEqual({ k: expected, type: left });
  });
});

const config = (more: Partial<DatasetInput> = {}) =>
  dataset({
    name: 't',
    from: 'log',
    sources: { log: { path: 'log.parquet' }, users: { path: 'users.csv' } },
    joins: [{ source: 'users', on: { id: 'id' } }],
    fields: [{ name: 'age', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
    ...more,
  });

async function folderOf(ids: string, users: string): Promise<string> {
  const folder = temporaryFolder({ 'users.csv': users });
  await writeParquet(join(folder, 'log.parquet'), `SELECT ${ids} AS id, i % 2 AS click FROM range(40) AS t(i)`);
  return folder;
}

test('keys that are unique in the file but the same once compared are an error that names one', async () => {
  const folder = await folderOf('(i % 4)::DOUBLE', 'id,age\n1,a\n1.0,b\n2,c\n2.0,d\nx,e\n');
  const { code, message } = await failure(prepareOnce(config(), folder));
  expect(code).toBe('DATA_JOIN_DUPLICATE');
  expect(message).toMatch(/id must be unique there, but 2 values occur more than once \(for example 1\.0, 2 rows\)/);
  const [finding] = await findingsOf(config(), folder, 'joins');
  expect(finding).toMatchObject({ level: 'fail', count: 4, of: 5 });
  expect(finding.message).toMatch(/2 values, such as 1\.0, occur more than once/);
});

test('keys of several columns, and a join on a column that another join brought', async () => {
  const folder = temporaryFolder({
    'users.csv': 'id,day,group,age\n1,2024-01-01,07,a\n1,2024-01-02,7,b\n01,2024-01-01,8,c\n',
    'groups.csv': 'group,size\n07,10\n7,20\n8,30\n',
  });
  const log =
    "SELECT 1::BIGINT AS id, DATE '2024-01-01' + (i % 2)::INTEGER AS day, i % 2 AS click FROM range(40) AS t(i)";
  await writeParquet(join(folder, 'log.parquet'), log);
  const { rows, sizes } = await prepareOnce(
    config({
      sources: { log: { path: 'log.parquet' }, users: { path: 'users.csv' }, groups: { path: 'groups.csv' } },
      joins: [
        { source: 'users', on: { id: 'id', day: 'day' } },
        { source: 'groups', on: { group: 'group' } },
      ],
      fields: [
        { name: 'age', kind: 'categorical' },
        { name: 'size', kind: 'categorical' },
      ],
    }),
    folder,
  );
  expect(sizes.reduce((a, b) => a + b)).toBe(40);
  const pairs = new Set(rows.map((row) => `${row.label_click}: ${row.field_age} ${row.field_size}`));
  expect(pairs.size).toBe(2);
  expect(rows.every((row) => Number(row.field_age) > 1 && Number(row.field_size) > 1)).toBe(true);
});

test('inner joins that drop rows are counted as such', async () => {
  const folder = await folderOf('i % 4', 'id,age\n1,a\n02,b\n');
  const joins: DatasetInput['joins'] = [{ source: 'users', on: { id: 'id' }, kind: 'inner' }];
  const { statistics } = await prepareOnce(config({ joins }), folder);
  expect([statistics.leftOut, statistics.leftOutBecause?.join]).toEqual([30, 30]);
});

test('a joined file that grows while it is prepared does not multiply rows', async () => {
  const folder = await folderOf('i % 4', 'id,age\n0,a\n1,b\n');
  const users = join(folder, 'users.csv');
  // Keys have been checked when the rows are computed.
  const onEvent = ({ step }: { step: string }): void => {
    if (step === 'Computing the rows') appendFileSync(users, '0,c\n');
  };
  const out = join(temporaryFolder(), 'out');
  const { code, message } = await failure(prepare({ config: config(), sourceFolder: folder, out, onEvent }));
  expect(code).toBe('DATA_JOIN_ROWS');
  expect(message).toMatch(/make 50 rows out of 40 rows of source "log"/);
});
