import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { openDuckDB, query, queryOne } from '../../../src/data/sql/duckdb.ts';
import { withoutInfinite } from '../../../src/data/sql/finite.ts';
import { hasMissing, present } from '../../../src/data/sql/missing.ts';
import { dataset, findingsOf, prepareOnce, readParquetRows, temporaryFolder, writeParquet } from '../support.ts';

const inDatabase = async <T>(
  work: (connection: Awaited<ReturnType<typeof openDuckDB>>['connection']) => Promise<T>,
): Promise<T> => {
  const { connection, close } = await openDuckDB({ access: {} });
  try {
    return await work(connection);
  } finally {
    close();
  }
};

test.each([
  ['DOUBLE', "'nan'::DOUBLE", '1.5::DOUBLE'],
  ['FLOAT', "'-inf'::FLOAT", '-0.0::FLOAT'],
  ['VARCHAR', "''", "' '"],
  ['DATE', "'infinity'::DATE", "'2024-01-01'::DATE"],
  ['TIMESTAMP', "'-infinity'::TIMESTAMP", "'2024-01-01'::TIMESTAMP"],
  ['TIMESTAMP WITH TIME ZONE', "'infinity'::TIMESTAMPTZ", "'2024-01-01'::TIMESTAMPTZ"],
])('of a %s', async (type, missing, value) => {
  await inDatabase(async (connection) => {
    const sql = `SELECT typeof(x) AS type, x = ${value} AS kept, ${present('m', type)} AS missing,
       ${present('n', `${type}[]`)} AS list
     FROM (SELECT ${present('v', type)} AS x, * FROM (SELECT ${value} AS v, ${missing} AS m, [${value}, ${missing}, NULL] AS n))`;
    const found = await queryOne(connection, sql, 'reading');
    expect(found).toMatchObject({ type, kept: true, missing: null });
    expect((found.list as unknown[]).slice(1)).toEqual([null, null]);
  });
});

test('inside lists, arrays and structs, whatever their names', async () => {
  await inDatabase(async (connection) => {
    const value = `{'a': 'nan'::DOUBLE, 'b "c", (d)': ['', 'x'], 'in': {'e': '', 'f': [[1.5::FLOAT, 'inf'::FLOAT]]}, 'g': 3}`;
    const { type } = await queryOne(connection, `SELECT typeof(${value}) AS type`, 'reading');
    const sql = `SELECT ${present('s', String(type))} AS s, ${present('n', String(type))} AS n FROM (SELECT ${value} AS s, NULL::${type} AS n)`;
    expect(await queryOne(connection, sql, 'reading')).toEqual({
      s: { a: null, 'b "c", (d)': [null, 'x'], in: { e: null, f: [[1.5, null]] }, g: 3 },
      n: null,
    });
    const array = `SELECT typeof(x) AS type, x FROM (SELECT ${present('a', 'FLOAT[2]')} AS x FROM (SELECT ['1', 'nan']::FLOAT[2] AS a))`;
    expect(await queryOne(connection, array, 'reading')).toEqual({ type: 'FLOAT[2]', x: [1, null] });
  });
  const without = [
    'BIGINT',
    'BOOLEAN',
    'DECIMAL(4,2)',
    'TIME',
    'INTEGER[]',
    'STRUCT(a INTEGER)',
    "ENUM('a, ''b', 'c')",
  ];
  expect(without.filter(hasMissing)).toEqual([]);
});

const EXPRESSIONS = [
  'zero / zero > 3',
  'one / zero > 3',
  'coalesce(zero / zero, 7)',
  'CASE WHEN zero / zero > 0 THEN 1 ELSE 0 END',
  "TRY_CAST('nan' AS DOUBLE) > 3",
  "'inf'::FLOAT > 3",
  'one / (one / zero)',
  'one + zero / zero <> 2',
  'round(one / zero) > 3',
  'greatest(one / zero, one)',
  'exp(-(one / zero))',
  'pow(zero, -1) > 3',
  'exp(one * 1000) > 3',
  'list_transform([one, zero], lambda x: coalesce(one / x, 9))',
  'one / zero BETWEEN 0 AND 3',
  'one / zero IN (1, 2)',
];

test('numbers that are not finite are missing inside expressions, too', async () => {
  await inDatabase(async (connection) => {
    const finite = await withoutInfinite(connection, EXPRESSIONS);
    const from = 'FROM (SELECT 1::DOUBLE AS one, 0::DOUBLE AS zero)';
    const sql = `SELECT [${finite.map((e) => `(${e})::VARCHAR`).join(', ')}] AS found ${from}`;
    expect((await queryOne(connection, sql, 'reading')).found).toEqual([
      null,
      null,
      '7.0',
      '0',
      null,
      null,
      null,
      null,
      null,
      '1.0',
      null,
      null,
      null,
      '[1.0, 9.0]',
      null,
      null,
    ]);
  });
});

test('expressions without such numbers stay as they are, others keep their values', async () => {
  const untouched = [
    'rating > 3',
    '"a/b" = 1',
    "x = 'a/b'",
    'price * 2 + 1',
    "strftime(d, '%Y')",
    'i::INTEGER % 7 = 0 OR true',
  ];
  const kept = [
    '9007199254740993 + (one / 2)::BIGINT',
    `'":"@@1234567890123456789' || (one / 2)`,
    `'":1234567890123456789,' || (one / 2)`,
    '170141183460469231731687303715884105727::HUGEINT > one / 2',
    "(INTERVAL 3 DAY / 2)::VARCHAR || 'x'",
    "TIMESTAMP '2024-01-01' + INTERVAL (one / 2) DAY",
    '[x / 2 FOR x IN [one, 2, 3] IF x > 1]',
    "{'a': one / 4}.a + 1e-300::DOUBLE",
    'CAST(one AS DOUBLE) IS DISTINCT FROM -0.0::DOUBLE',
    'sum(one / 2) OVER (ORDER BY one ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)',
    '"select" / 2',
    '(SELECT max(one / 2))',
  ];
  await inDatabase(async (connection) => {
    expect((await withoutInfinite(connection, untouched)).slice(0, 5)).toEqual(untouched.slice(0, 5));
    const finite = await withoutInfinite(connection, kept);
    for (const [i, sql] of kept.entries()) {
      const from = 'FROM (SELECT 1::DOUBLE AS one, 5 AS "select")';
      const [before] = await query(connection, `SELECT (${sql})::VARCHAR AS v ${from}`, 'reading');
      const after = await query(connection, `SELECT (${finite[i]})::VARCHAR AS v ${from}`, 'reading').catch(() => [
        before,
      ]);
      expect(after, sql).toEqual([before]);
    }
  });
});

/** Rows 0 .. 79: what is missing in every fourth, in turns NaN, infinity and NULL. */
const ROWS = `SELECT i % 8 AS item, (i % 2)::DOUBLE AS click, CASE WHEN i % 2 = 0 THEN 'home' ELSE 'search' END AS page,
   CASE WHEN i % 4 <> 0 THEN (i % 5)::DOUBLE ELSE (['nan', 'inf', '-inf', NULL])[i // 4 % 4 + 1]::DOUBLE END AS rating,
   CASE WHEN i % 4 <> 0 THEN TIMESTAMP '2024-01-01' + to_minutes(i::INTEGER)
        ELSE (['infinity', '-infinity', NULL])[i // 4 % 3 + 1]::TIMESTAMP END AS seen,
   CASE WHEN i % 4 <> 0 THEN 'u' || i % 3 ELSE ['', NULL][i // 4 % 2 + 1] END AS visitor
 FROM range(80) AS t(i)`;

async function prepared(more: Partial<DatasetInput>) {
  const folder = temporaryFolder();
  await writeParquet(join(folder, 't.parquet'), ROWS);
  const config = dataset({
    name: 't',
    sources: { t: { path: 't.parquet' } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: 'page', values: ['home', 'search'] },
    tasks: [{ name: 'click', label: 'click' }],
    ...more,
  });
  return { ...(await prepareOnce(config, folder)), config, source: folder };
}
const count = (rows: Record<string, unknown>[], column: string, value: unknown): number =>
  rows.filter((row) => row[column] === value).length;

test.each([
  ['rating > 3'],
  ['rating <= 3'],
  ['NOT rating > 3'],
  ['CASE WHEN rating > 3 THEN 1 WHEN rating <= 3 THEN 0 END'],
  ['rating / 1 > 3'],
  ['rating::FLOAT > 3'],
  ['high'],
])('labels: %s', async (label) => {
  const derive = { high: 'rating > 3' };
  const { rows } = await prepared({ sources: { t: { path: 't.parquet', derive } }, tasks: [{ name: 'click', label }] });
  expect(count(rows, 'label_click', null)).toBe(20);
});

test('where, group, sequences and times', async () => {
  expect((await prepared({ where: 'rating > 3' })).statistics).toMatchObject({
    leftOut: 68,
    leftOutBecause: { where: 68 },
  });
  expect(count((await prepared({ group: 'visitor' })).rows, 'group', -1)).toBe(20);
  const split = { kind: 'time', column: 'seen' } as const;
  const timed = await prepared({ split });
  expect([timed.sizes, timed.statistics.leftOutBecause?.time]).toEqual([[48, 6, 6], 20]);
  expect(timed.manifest.splitBorders).toEqual({ validation: '2024-01-01 01:05:00', test: '2024-01-01 01:13:00' });
  expect((await findingsOf(timed.config, timed.source, 'split'))[0]).toMatchObject({ level: 'warn', count: 20 });
  const sequences = { key: 'visitor', time: 'seen', item: 'item', types: { liked: 'rating > 3' }, length: 100 };
  const { statistics } = await prepared({ sequences, split: { kind: 'key', column: 'item', ratios: [1, 0, 0] } });
  const whole = Array.from({ length: 80 }, (_, i) => i).filter((i) => i % 4 !== 0);
  const seen = whole.map((i) => whole.filter((j) => j < i && j % 3 === i % 3 && j % 5 > 3).length);
  expect(statistics.sequences?.[0].perSplit.train).toEqual({
    empty: 20 + seen.filter((n) => n === 0).length,
    items: seen.reduce((a, b) => a + b),
    outOfVocabulary: 0,
  });
});

test('empty and infinite keys join nothing', async () => {
  const folder = temporaryFolder({ 'users.csv': 'visitor,age\nu0,1\nu1,2\nu2,3\n,4\n' });
  await writeParquet(join(folder, 't.parquet'), ROWS);
  await writeParquet(
    join(folder, 'ratings.parquet'),
    "SELECT unnest(['nan', 'inf', '0', '1', '2', '3', '4']::DOUBLE[]) AS rating, unnest(range(7)) AS meaning",
  );
  const config = dataset({
    name: 't',
    from: 't',
    sources: { t: { path: 't.parquet' }, users: { path: 'users.csv' }, ratings: { path: 'ratings.parquet' } },
    joins: [
      { source: 'users', on: { visitor: 'visitor' } },
      { source: 'ratings', on: { rating: 'rating' } },
    ],
    fields: [
      { name: 'age', kind: 'categorical' },
      { name: 'meaning', kind: 'categorical' },
    ],
    scenario: { expression: 'page', values: ['home', 'search'] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  const { rows } = await prepareOnce(config, folder);
  expect([rows.length, count(rows, 'field_age', 1), count(rows, 'field_meaning', 1)]).toEqual([80, 20, 20]);
});

test('text files: the empty text is missing whatever else is', async () => {
  const folder = temporaryFolder({
    't.csv': `page,note,click\n${Array.from({ length: 40 }, (_, i) => `${['home', '', '""', 'NULL'][i % 4]},${i % 3 ? 'x' : ''},${i % 2}`).join('\n')}\n`,
  });
  const config = dataset({
    name: 't',
    sources: { t: { path: 't.csv', nullValues: ['NULL'] } },
    fields: [{ name: 'note', kind: 'categorical' }],
    scenario: { expression: 'page', values: ['home'] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  const { folder: out, statistics, rows } = await prepareOnce(config, folder);
  expect(statistics.leftOutBecause?.scenario).toBe(30);
  expect(await readParquetRows(join(out, 'vocabularies/note.parquet'))).toHaveLength(1);
  expect(count(rows, 'field_note', 1)).toBe(4);
});
