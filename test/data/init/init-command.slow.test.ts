/** The commands of the README, word for word, and from other folders. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { tributary } from '../../cli/spawn.ts';
import { temporaryFolder } from '../../train/support.ts';

const { path: folder, remove } = temporaryFolder();

beforeAll(async () => {
  const { connection, close } = await openDuckDB({ access: { folders: [folder] } });
  const rows = `SELECT (i * 31) % 40 AS user_id, (i * 17) % 23 AS item_id, ['home', 'search'][1 + i % 2] AS place,
    TIMESTAMP '2026-01-01' + to_minutes(i::INTEGER) AS shown_at, ((i * 7919) % 13 < 4)::INTEGER AS click FROM range(600) AS t(i)`;
  await execute(connection, `COPY (${rows}) TO '${folder}/impressions.parquet'`, 'writing');
  mkdirSync(join(folder, 'days'));
  for (const [day, from] of [
    ['1', 0],
    ['2', 300],
  ] as const)
    await execute(
      connection,
      `COPY (SELECT * FROM (${rows}) LIMIT 300 OFFSET ${from}) TO '${folder}/days/${day}.csv'`,
      'writing',
    );
  close();
  const users = Array.from({ length: 40 }, (_, i) => `${i},${18 + i}`);
  writeFileSync(join(folder, 'users.csv'), ['user_id,age', ...users].join('\n'));
});
afterAll(remove);

const ok = (words: string[], cwd = folder): string => {
  const { code, out, err } = tributary(words, { cwd });
  expect(`${err}${code === 0 ? '' : out}`).toBe('');
  expect(code).toBe(0);
  return out;
};

test('README: init, validate, prepare', () => {
  expect(ok('init impressions.parquet users.csv --out shop.yaml'.split(' '))).toBe(
    'wrote shop.yaml\nnext: tributary validate shop.yaml\n',
  );
  expect(ok(['validate', 'shop.yaml'])).toMatch(/0 fail/);
  ok('prepare shop.yaml --out data/shop'.split(' '));
  const { name, scenarios } = JSON.parse(readFileSync(join(folder, 'data/shop/manifest.json'), 'utf8'));
  expect([name, scenarios]).toEqual(['shop', ['home', 'search']]);
  const before = readFileSync(join(folder, 'shop.yaml'), 'utf8');

  const again = tributary('init users.csv --out shop.yaml'.split(' '), { cwd: folder });
  expect(again.code).toBe(2);
  expect(again.err).toMatch(/INIT_OUT_EXISTS.*shop\.yaml exists already.*--force/);
  const input = tributary('init impressions.parquet --out impressions.parquet --force'.split(' '), { cwd: folder });
  expect(input.err).toMatch(/INIT_OUT_NAME/); // a name that no configuration has: no file of data is overwritten
  expect(readFileSync(join(folder, 'shop.yaml'), 'utf8')).toBe(before);
  ok('init impressions.parquet --out shop.yaml --force'.split(' '));
  expect(readFileSync(join(folder, 'shop.yaml'), 'utf8')).not.toBe(before);
});

test.each([
  [
    'a glob, written in another folder',
    ['init days/*.csv --out other/place/shop.yaml'],
    'other/place/shop.yaml',
    '../../days/*.csv',
  ],
  ['a folder', ['init days/ --out days.yaml'], 'days.yaml', 'days'],
  [
    'an absolute path',
    [`init ${folder}/impressions.parquet --out absolute.yaml`],
    'absolute.yaml',
    'impressions.parquet',
  ],
])('%s', (_what, [words], out, path) => {
  ok(words.split(' '));
  expect(readFileSync(join(folder, out), 'utf8')).toContain(`path: ${path}`);
  expect(ok(['validate', out])).toMatch(/600 rows[\s\S]* 0 fail/);
});

test('printed, and from elsewhere', () => {
  const elsewhere = join(folder, 'else');
  mkdirSync(elsewhere);
  writeFileSync(
    join(elsewhere, 'printed.yaml'),
    ok(['init', join(folder, 'users.csv'), '../impressions.parquet'], elsewhere),
  );
  expect(ok(['validate', 'else/printed.yaml'])).toMatch(/ 0 fail/);
  expect(existsSync(join(elsewhere, 'shop.yaml'))).toBe(false);
});
