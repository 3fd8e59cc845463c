import { describe, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../../src/config/load.ts';
import { type Database, openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { readTextTimes } from '../../../src/data/sql/times.ts';
import { dataset, failure, findingsOf, prepareOnce, temporaryFolder } from '../support.ts';

async function within<T>(texts: string[], work: (connection: Database['connection']) => Promise<T>): Promise<T> {
  const { connection, close } = await openDuckDB({ access: {} });
  try {
    const values = texts.map((text) => `('${text}')`).join(', ');
    await connection.run(`CREATE TABLE times AS SELECT nullif(t, '') AS t FROM (VALUES ${values}) AS v(t)`);
    return await work(connection);
  } finally {
    close();
  }
}
const used = { usedBy: 'split', expression: 't' };

/** The texts in the order of the times that they say; equal ones joined by =. */
const ordered = (texts: string[]): Promise<string[]> =>
  within(texts, async (connection) => {
    const { value } = await readTextTimes(connection, 'times', 't', used);
    const sql = `SELECT string_agg(t, ' = ' ORDER BY t) AS t FROM (SELECT t, ${value.sql} AS v FROM times) WHERE v IS NOT NULL GROUP BY v ORDER BY v`;
    return (await query(connection, sql, 'ordering')).map((row) => String(row.t));
  });

describe('texts of one kind of time are in the order of what they say', () => {
  test.each([
    ['offsets', ['2024-01-01 12:00:00+02:00', '2024-01-01 11:00:00+00:00', '2024-01-01 06:30:00-05:00']],
    ['offsets without minutes, or a colon', ['2024-01-01T12:00+02', '2024-01-01T10:30Z', '2024-01-01T06:00-0500']],
    ['an offset after a blank', ['2024-01-01 12:00:00 +0200', '2024-01-01 11:00:00 +0000']],
    ['zones by name', ['2024-07-01 12:00:00 Europe/Berlin', '2024-07-01 10:30:00 UTC', '2024-07-01 11:00 GMT']],
    ['T, t and a blank', ['2024-01-01 09:00:00', '2024-01-01T10:00:00', '2024-01-01t11:00:00', '2024-01-01 12:00:00']],
    ['missing zeros', ['2024-1-2 9:05', '2024-1-2 10:05', '2024-1-10 1:00', '2024-2-1 1:00', '2024-10-1 1:00']],
    ['fractions', ['2024-01-01 00:00:00', '2024-01-01 00:00:00.25', '2024-01-01 00:00:00,5', '2024-01-01 00:00:00.75']],
    ['days alone, and hours', ['2024-01-01', '2024-01-01T07', '2024-01-01 23:59:59', '2024-01-02']],
    ['slashes and points, the year first', ['2024/1/2', '2024.1.3', '2024-01-04', '2024/01/05 10:00']],
    ['blanks around', [' 2024-01-01 ', '2024-01-02  10:00:00', '2024-01-03\t']],
    ['Z or z', ['2024-01-01T00:00:00z', '2024-01-01T00:00:01Z']],
    ['before 1970 and far ahead', ['1899-12-31', '1969-12-31 23:59', '2024-01-01', '9999-12-31']],
    ['numbers', ['-5', '0007', '9', '10', '10.5', '1700000000000000000', '1700000000000000001']],
  ])('%s', async (_name, texts) => {
    expect(await ordered([...texts].reverse())).toEqual(texts);
    expect(await ordered(['', ...texts])).toEqual(texts); // what is missing has no place among them
  });

  test('equal instants are equal', async () => {
    expect(await ordered(['2024-01-01 01:00+01:00', '2024-01-01T00:00:00Z', '2024-01-01'])).toHaveLength(1);
  });

  test('nothing but missing times', async () => {
    expect(await ordered(['', ''])).toEqual([]);
  });
});

describe('texts whose order is not certain are refused with what was found', () => {
  test.each([
    ['day or month first', ['01/02/2026', '13/02/2026'], '99/99/9999'],
    ['two digits of a year', ['01/02/26', '02/02/26'], '99/99/99'],
    ['points', ['01.02.2026'], '99.99.9999'],
    ['names of months', ['5 Jan 2024', '6 Feb 2024'], '9 a 9999'],
    ['a text among times', ['2024-01-01', 'yesterday'], 'a'],
    ['times and numbers', ['2024-01-01', '1704067200'], '9999999999'],
    ['a day that does not exist', ['2024-01-01', '2024-02-30'], '9999-99-99'],
    ['an hour that does not exist', ['2024-01-01 25:00:00'], '9999-99-99 99:99:99'],
    ['AM and PM', ['2024-01-01 01:00:00 PM'], '9999-99-99 99:99:99 a'],
    ['a time of day alone', ['10:00:00', '9:30:00'], '99:99:99'],
    ['abbreviated zones', ['2024-01-01 01:00:00 CEST'], '9999-99-99 99:99:99 a'],
    ['infinity', ['2024-01-01', 'infinity'], 'a'],
    ['null in words', ['2024-01-01', 'NULL'], 'a'],
  ])('%s', async (_name, texts, format) => {
    const { code, message, details } = await failure(
      within(texts, (connection) => readTextTimes(connection, 'times', 't', used)),
    );
    expect(code).toBe('DATA_TIME_TEXT');
    expect((details as { formats: { format: string }[] }).formats.map((f) => f.format)).toContain(format);
    expect(message).toMatch(/strptime\(t, '%d\/%m\/%Y/);
  });
});

const LOG = (times: string[]) => ({
  't.csv': `user,item,click,seen\n${times.map((at, i) => `${i % 3},${i % 5},${i % 2},${at}`).join('\n')}\n`,
});
const config = (at: string, more: object = {}) =>
  dataset({
    name: 't',
    sources: { t: { path: 't.csv' } },
    fields: [
      { name: 'item', kind: 'categorical' },
      { name: 'user', kind: 'categorical', expression: '"user"' },
    ],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'time', column: at },
    ...more,
  });
const minutes = (n: number): string[] => Array.from({ length: n }, (_, i) => `2024-01-01 ${i < 60 ? 0 : 1}:${i % 60}`);

test('prepare and validate refuse alike; the advice works', async () => {
  const folder = temporaryFolder(LOG(Array.from({ length: 40 }, (_, i) => `${(i % 28) + 1}/2/2026`)));
  expect((await failure(prepareOnce(config('seen'), folder))).code).toBe('DATA_TIME_TEXT');
  const [finding] = await findingsOf(config('seen'), folder, 'split');
  expect([finding.level, finding.message]).toEqual(['fail', expect.stringContaining('such as "1/2/2026"')]);
  const { manifest } = await prepareOnce(config("strptime(seen, '%d/%m/%Y')"), folder);
  expect(manifest.splitBorders?.test).toMatch(/^2026-02-2\d 00:00:00$/);
});

test('rows without a time are left out of a split by time and counted; borders are said', async () => {
  const times = minutes(110).map((time, i) => (i % 11 === 3 ? '' : time));
  const folder = temporaryFolder(LOG(times));
  const { statistics, sizes, manifest } = await prepareOnce(config('seen'), folder);
  expect(sizes).toEqual([80, 10, 10]);
  expect(statistics.leftOut).toBe(10);
  expect(statistics.leftOutBecause).toEqual({ join: 0, where: 0, scenario: 0, time: 10, duplicate: 0 });
  expect(manifest.splitBorders).toEqual({
    validation: '2024-01-01 01:28:00',
    test: '2024-01-01 01:39:00',
  });
  expect(await findingsOf(config('seen'), folder, 'split')).toMatchObject([
    { level: 'warn', count: 10, of: 110, message: 'no time (seen) in 9.1 % of the rows; they are left out' },
  ]);
});

test('sequences go by what texts say, and other splits keep rows without a time', async () => {
  const sequences = { key: '1', time: 'seen', item: 'item', types: { all: 'true' } };
  const split = { kind: 'key', column: 'item', ratios: [1, 0, 0] };
  const folder = temporaryFolder(LOG(['2024-01-01 10:00', '2024-01-01 9:00', '', '2024-01-01T11:00Z']));
  const { rows } = await prepareOnce(await loadDatasetConfig({ ...config('seen'), sequences, split }), folder);
  const items = rows.map((row) => row.field_item);
  const found = rows.map((row) => row.sequence_all);
  expect(found).toEqual([[items[1]], [], [], [items[1], items[0]]]);
});

test('times that say their offset among times that do not are worth a warning', async () => {
  const folder = temporaryFolder(LOG(minutes(100).map((time, i) => (i % 2 === 0 ? `${time}Z` : time))));
  expect(await findingsOf(config('seen'), folder, 'split')).toMatchObject([
    { level: 'warn', count: 50, message: expect.stringContaining('these are read as UTC') },
  ]);
});
