import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { readSource } from '../read-source.ts';
import { dataset, failure, temporaryFolder, writeParquet } from '../support.ts';

/** A folder of parts, each from a SELECT. */
async function parts(...queries: string[]): Promise<string> {
  const folder = temporaryFolder();
  for (const [i, sql] of queries.entries()) await writeParquet(join(folder, `${i}.parquet`), sql);
  return folder;
}

const valuesOf = async (...queries: string[]) => {
  const { types, rows } = await readSource(await parts(...queries), { path: '*.parquet' });
  return { type: types.a, values: rows.map(({ a }) => a) };
};

test.each<[string, string[], string, (string | null)[]]>([
  [
    'integers, and the same with a missing one as numbers',
    ['SELECT 9007199254740993::BIGINT AS a', "SELECT unnest([2::DOUBLE, NULL, 'NaN'::DOUBLE]) AS a"],
    'BIGINT',
    ['9007199254740993', '2', null, null],
  ],
  ['integers and fractions', ['SELECT 5::BIGINT AS a', 'SELECT 0.5::DOUBLE AS a'], 'DOUBLE', ['5.0', '0.5']],
  [
    'integers and texts',
    ['SELECT 9007199254740993::BIGINT AS a', "SELECT unnest(['x', '9007199254740992']) AS a"],
    'VARCHAR',
    ['9007199254740993', 'x', '9007199254740992'],
  ],
  ['numbers and texts', ['SELECT 3::DOUBLE AS a', "SELECT '3.0' AS a"], 'VARCHAR', ['3', '3.0']],
  ['widths', ['SELECT 1::TINYINT AS a', 'SELECT 3000000000::UINTEGER AS a'], 'BIGINT', ['1', '3000000000']],
  [
    'dates and times',
    ["SELECT DATE '2024-01-02' AS a", "SELECT TIMESTAMP '2024-01-02 03:04:05' AS a"],
    'TIMESTAMP',
    ['2024-01-02 00:00:00', '2024-01-02 03:04:05'],
  ],
  ['lists', ['SELECT [1, 2] AS a', "SELECT ['x', NULL] AS a"], 'VARCHAR[]', ['[1, 2]', '[x, NULL]']],
  ['a part without it', ['SELECT 1::BIGINT AS a', 'SELECT 2 AS b'], 'BIGINT', ['1', null]],
])('%s', async (_name, queries, type, values) => {
  expect(await valuesOf(...queries)).toEqual({ type, values });
});

test('types that cannot be one are named with column and files', async () => {
  const both = ['SELECT 9007199254740993::BIGINT AS a', 'SELECT 0.5::DOUBLE AS a'];
  const { code, message } = await failure(valuesOf(...both));
  expect(code).toBe('DATA_TYPES_DIFFER');
  expect(message).toMatch(/"a" .*BIGINT in .*0\.parquet, DOUBLE in .*1\.parquet/);
  expect((await failure(valuesOf('SELECT 1 AS a', 'SELECT true AS a'))).code).toBe('DATA_TYPES_DIFFER');
});

test('the ids stay apart, and a column that nothing needs may be of any types', async () => {
  const rows = (ids: string, other: string) =>
    `SELECT unnest([${ids}]) AS item, ${other} AS other, 'home' AS place, 1 AS click`;
  const folder = await parts(
    rows('9007199254740992::BIGINT, 9007199254740993', '1'),
    rows("'NaN'::DOUBLE, 7::DOUBLE", "'x'"),
    rows("'guest', '9007199254740993'", '[true]'),
  );
  const config = dataset({
    name: 'parts',
    sources: { t: { path: '*.parquet' } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: 'place', values: ['home'] },
    tasks: [{ name: 'click', label: 'click' }],
    vocabulary: { from: 'all' },
  });
  await prepare({ config, sourceFolder: folder, out: join(folder, 'data') });
  const data = await openPrepared(join(folder, 'data'));
  expect((await data.tokens('item')).slice(2)).toEqual(['9007199254740993', '7', '9007199254740992', 'guest']);
});
