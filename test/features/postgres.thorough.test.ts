/** Tables of features in PostgreSQL. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetInput } from '../../src/config/dataset.ts';
import { featuresSchema } from '../../src/config/features.ts';
import { connectPostgres } from '../../src/events/postgres/connect.ts';
import { failure, temporaryFolder } from '../data/support.ts';
import { PASSWORD, postgresServer, type TestServer } from '../events/servers.ts';
import { built, prepared, rowOf, tablesOf } from './support.ts';

const VARIABLE = 'TEST_FEATURES_URL';
let server: TestServer | undefined;

beforeAll(async () => {
  server = await postgresServer();
  if (server === undefined) return;
  process.env[VARIABLE] = server.url(server.port);
});
afterAll(async () => {
  delete process.env[VARIABLE];
  await server?.remove();
});

const USERS = `(VALUES (1, 20.5::float8, 'Zürich', DATE '2000-01-02', ARRAY['a','ü|x',NULL,'c']),
  (2, NULL, '', NULL, NULL), (9007199254740993, -0.0, '007', DATE '1999-12-31', ARRAY[]::text[]),
  (4, 1e2, 'a "b", \\n', NULL, ARRAY['東京']), (NULL, 1, 'nobody', NULL, NULL)) AS u(id, age, city, born, tags)`;

const DATA: DatasetInput = {
  name: 'shop',
  from: 'log',
  sources: {
    log: { path: 'log.csv' },
    users: { path: 'users.jsonl', derive: { decade: 'floor(age / 10)' } },
  },
  joins: [{ source: 'users', on: { user_id: 'id' } }],
  fields: [
    { name: 'user_id', kind: 'categorical' },
    { name: 'age', kind: 'numeric', buckets: { edges: [10, 30] } },
    { name: 'decade', kind: 'categorical' },
    { name: 'city', kind: 'categorical' },
    { name: 'born_in', kind: 'categorical', expression: 'year(born::DATE)' },
    { name: 'tags', kind: 'multi', maxLength: 2 },
  ],
  scenario: { expression: 'place', values: [0, 1] },
  tasks: [{ name: 'click', label: 'click' }],
};

const FILES = {
  'log.csv': [
    'user_id,place,click',
    ...Array.from({ length: 40 }, (_, i) => `${i % 5},${i % 2},${i % 3 === 0 ? 1 : 0}`),
  ].join('\n'),
  'users.jsonl': [1, 2, 3, 4]
    .map((id) => JSON.stringify({ id, age: id * 9.5, city: `c${id}`, born: '2000-01-01', tags: ['a', `t${id}`] }))
    .join('\n'),
};

test('a query gives what a file with its rows gives', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder(FILES);
  const manifest = await prepared(folder, DATA);
  const table = (query: string, url = `env:${VARIABLE}`) => ({
    tables: { users: { of: 'user', url, query, on: { user_id: 'id' } } },
  });
  const reply = await built(folder, manifest, table(`SELECT * FROM ${USERS} -- all of them`));
  expect(reply?.sets[0].tables).toMatchObject([
    { rows: 4, withoutId: 1, fields: ['age', 'decade', 'city', 'born_in', 'tags'] },
  ]);
  const { users } = await tablesOf(reply);
  expect(rowOf(users, 1)).toEqual({ age: 20.5, decade: '2', city: 'Zürich', born_in: '2000', tags: ['a', 'ü|x'] });
  expect(rowOf(users, 2)).toEqual({
    age: undefined,
    decade: undefined,
    city: undefined,
    born_in: undefined,
    tags: undefined,
  });
  expect(rowOf(users, '9007199254740993')).toMatchObject({ age: 0, city: '007', born_in: '1999', tags: undefined });
  expect(rowOf(users, 4)).toMatchObject({ age: 100, city: 'a "b", \\n', tags: ['東京'] });
  expect(rowOf(users, '9007199254740992')).toBeUndefined();
  // A query is always asked again.
  expect(await built(folder, manifest, table(`SELECT * FROM ${USERS}`), reply?.sets[0].read)).toBeDefined();

  const refused = async (query: string, url?: string): Promise<string> => {
    const { code, message, cause } = await failure(built(folder, manifest, table(query, url)));
    expect(`${message} ${cause ?? ''}`).not.toContain(PASSWORD);
    return `${code}: ${message}`;
  };
  expect(await refused('SELECT * FROM nothing')).toMatch(/^FEATURES_TABLE: .*relation "nothing" does not exist/);
  expect(await refused('SELECT 1 AS id WHERE false')).toMatch(/^FEATURES_TABLE: the table users cannot be read/);
  expect(await refused(`SELECT id, city AS age, city, born, tags FROM ${USERS}`)).toMatch(/^FEATURES_TABLE: .*"age"/);
  expect(await refused('SELECT 1 AS id', 'env:TEST_FEATURES_UNSET')).toMatch(
    /^EVENTS_SECRET: features.tables.users.url/,
  );
  const { client } = await connectPostgres({ url: server.url(server.port), hide: (text) => text });
  await client.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)');
  expect(await refused('SELECT 1 AS id FROM kept; DELETE FROM kept')).toMatch(/^FEATURES_TABLE: /);
  expect((await client.query('SELECT * FROM kept')).rows).toHaveLength(1);
  await client.end();
  await server.stop();
  expect(await refused('SELECT 1 AS id')).toMatch(/^FEATURES_TABLE: .*ECONNREFUSED/);
});

test('a table is made of files or of a query', () => {
  const problems = (table: object): string[] =>
    featuresSchema
      .safeParse({ tables: { users: { of: 'user', on: { id: 'id' }, ...table } } })
      .error?.issues.map(({ message }) => message) ?? [];
  expect(problems({})).toEqual([expect.stringContaining('expected files, or url and query')]);
  expect(problems({ path: 'a', url: 'env:A', query: 'SELECT 1' })).toEqual([expect.stringContaining('not both')]);
  expect(problems({ url: 'env:A' })).toEqual(['is missing: expected a SELECT']);
  expect(problems({ query: 'SELECT 1' })).toEqual([expect.stringContaining('env:NAME')]);
  expect(problems({ path: join('a', 'b') })).toEqual([]);
});
