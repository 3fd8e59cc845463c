/** Tables of features: what they give, and what is wrong with those that are refused. */
import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetInput } from '../../src/config/dataset.ts';
import type { Manifest } from '../../src/data/prepared/prepared.ts';
import { build } from '../../src/features/host.ts';
import { failure, temporaryFolder } from '../data/support.ts';
import { built, makeFolder, parquet, prepared, rowOf, tablesOf } from './support.ts';

const FILES = {
  'log.csv': [
    'user_id,item_id,hour,place,click',
    ...Array.from({ length: 60 }, (_, i) => `${i % 6},i${i % 7},${i % 24},${i % 2},${i % 3 === 0 ? 1 : 0}`),
  ].join('\n'),
  'users.csv':
    'id,age,city,born\n0,20,Zürich,2000-02-03\n1,31.5,"",1990-01-01\n2,,東京,\n3,40,"a ""b""",1980-12-31\n4,-0.0,x,2001-01-01\n5,1e3,05,1999-09-09\n',
  'items.csv': 'item_id,tags,price\ni0,a|b|c,1.10\ni1,,2\ni2,a,\ni3,ü|a,1.1\ni4,b||a,7\ni5,a|b|c,0\ni6,zz,5\n',
};

const DATA: DatasetInput = {
  name: 'shop',
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
    { name: 'user_id', kind: 'categorical' },
    { name: 'age', kind: 'numeric', buckets: { edges: [10, 30] } },
    { name: 'decade', kind: 'categorical' },
    { name: 'city', kind: 'categorical' },
    { name: 'born_in', kind: 'categorical', expression: 'year(born::DATE)' },
    { name: 'item_id', kind: 'categorical' },
    { name: 'tags', kind: 'multi', maxLength: 2 },
    { name: 'price', kind: 'categorical' },
    { name: 'hour', kind: 'categorical' },
  ],
  scenario: { expression: 'place', values: [0, 1] },
  tasks: [{ name: 'click', label: 'click' }],
};

const once = makeFolder(FILES);
let manifest: Manifest;
beforeAll(async () => {
  manifest = await prepared(once.path, DATA);
});
afterAll(once.remove);

const TABLES = (folder: string) => ({
  users: { of: 'user', path: join(folder, 'users.csv'), on: { user_id: 'id' } },
  items: { of: 'item', path: join(folder, 'items.csv'), on: { id: 'item_id' } },
});

test('tables give the fields that need only their columns, as the expressions of preparation compute them', async () => {
  const folder = temporaryFolder(FILES);
  const reply = await built(folder, manifest, { tables: TABLES(folder) });
  const [{ tables }] = reply?.sets ?? [];
  expect(
    tables.map(({ name, fields, idFields, rows, withoutId }) => ({ name, fields, idFields, rows, withoutId })),
  ).toEqual([
    { name: 'users', fields: ['age', 'decade', 'city', 'born_in'], idFields: ['user_id'], rows: 6, withoutId: 0 },
    { name: 'items', fields: ['tags', 'price'], idFields: ['item_id'], rows: 7, withoutId: 0 },
  ]);
  const { users, items } = await tablesOf(reply);
  expect(rowOf(users, 0)).toEqual({ age: 20, decade: '2', city: 'Zürich', born_in: '2000' });
  expect(rowOf(users, '1')).toEqual({ age: 31.5, decade: '3', city: undefined, born_in: '1990' });
  expect(rowOf(users, 2)).toEqual({ age: undefined, decade: undefined, city: '東京', born_in: undefined });
  expect(rowOf(users, 3)).toMatchObject({ city: 'a "b"' });
  expect(rowOf(users, 4)).toMatchObject({ age: 0, decade: '0' });
  expect(rowOf(users, 5)).toMatchObject({ age: 1000, decade: '100', city: '05' });
  expect([6, '', '00', 'x'.repeat(300), '\ud800'].map((id) => rowOf(users, id))).toEqual(new Array(5).fill(undefined));
  expect(rowOf(items, 'i0')).toEqual({ tags: ['a', 'b'], price: '1.10' });
  expect(rowOf(items, 'i1')).toEqual({ tags: undefined, price: '2' });
  expect(rowOf(items, 'i2')).toEqual({ tags: ['a'], price: undefined });
  expect(rowOf(items, 'i3')).toEqual({ tags: ['ü', 'a'], price: '1.1' });
  expect(rowOf(items, 'i4')).toMatchObject({ tags: ['b', 'a'] });
});

const USERS = 'id,age,city,born\n1,20,a,2000-01-01\n2,30,b,2001-01-01\n';

/** The data of `DATA`, a table of users as given, and that of items. */
async function withUsers(
  users: string,
  more: { users?: object; items?: object; sent?: string[]; maxBytes?: number } = {},
) {
  const folder = temporaryFolder({ ...FILES, 'tables/users.csv': users });
  const own = TABLES(folder);
  const { users: ofUsers, items: ofItems, ...options } = more;
  const tables = {
    users: { ...own.users, path: join(folder, 'tables/users.csv'), ...ofUsers },
    ...(ofItems === undefined ? { items: own.items } : Object.keys(ofItems).length > 0 ? { items: ofItems } : {}),
  };
  return { folder, build: () => built(folder, manifest, { tables, ...options }) };
}

test.each([
  ['ids that come twice', 'FEATURES_DUPLICATE', `${USERS}1,3,c,\n1,4,d,\n2,5,e,\n`, {}, /2 ids .*id is "1" in 3/],
  ['no column with ids', 'FEATURES_COLUMN', USERS.replace('id,', 'Ids,'), {}, /no column id .* nearest is Ids/],
  ['no such file', 'FEATURES_TABLE', USERS, { users: { path: '/nowhere/users.parquet' } }, /users cannot be read/],
  ['a value of another type', 'FEATURES_TABLE', USERS.replace('30', 'old'), {}, /"old"/],
  [
    'a column that is missing',
    'FEATURES_FIELD',
    USERS.replace('age', 'years'),
    {},
    /age is missing from the table users/,
  ],
  [
    'no source of that name',
    'FEATURES_SOURCE',
    USERS,
    { users: { source: 'members' } },
    /stands for the source members/,
  ],
  ['a field that the model lacks', 'FEATURES_FIELD_UNKNOWN', USERS, { users: { fields: ['aeg'] } }, /nearest is age/],
  [
    'a listed field of others',
    'FEATURES_FIELD',
    USERS,
    { users: { fields: ['hour'] } },
    /field hour .*users has the columns/,
  ],
  [
    'a table too large',
    'FEATURES_TOO_LARGE',
    USERS,
    { maxBytes: 300 },
    /items with its 7 rows would take \d+ bytes .* at most 300/,
  ],
] as const)('%s: %s', async (_, code, users, more, message) => {
  const { build, folder } = await withUsers(users, more as Parameters<typeof withUsers>[1]);
  const { code: found, message: text } = await failure(build());
  expect({ found, text }).toEqual({ found: code, text: expect.stringMatching(message) });
  expect(readdirSync(join(folder, 'tables')).filter((name) => name.endsWith('.table'))).toEqual([]);
});

test('what no table alone gives is refused, unless requests are to send it', async () => {
  const crossing: DatasetInput = {
    ...DATA,
    fields: [
      ...DATA.fields,
      { name: 'city_hour', kind: 'categorical', expression: "city || '-' || hour" },
      { name: 'age_price', kind: 'numeric', expression: 'age * users.age + TRY_CAST(price AS DOUBLE)' },
      { name: 'rank', kind: 'categorical', expression: 'rank() OVER (ORDER BY age)' },
    ],
  };
  const folder = temporaryFolder(FILES);
  const manifest = await prepared(folder, crossing);
  const tables = TABLES(folder);
  const refused = async (sent: string[]): Promise<string> => {
    const { code, message } = await failure(built(folder, manifest, { tables, sent }));
    expect(code).toBe('FEATURES_FIELD');
    return message;
  };
  expect(await refused([])).toMatch(/city_hour .*city is in the table users, hour is in no table/);
  expect(await refused(['city_hour'])).toMatch(
    /age_price .*age is in the table users, users.age is in the table users, price is in the table items/,
  );
  expect(await refused(['city_hour', 'age_price'])).toMatch(/rank .*looks at other rows/);
  const reply = await built(folder, manifest, { tables, sent: ['city_hour', 'age_price', 'rank'] });
  expect(reply?.sets[0].tables.map(({ fields }) => fields.length)).toEqual([4, 2]);
});

test('a table that gives nothing, and two that give one field, are refused: FEATURES_NOTHING, FEATURES_FIELD_TWICE', async () => {
  const folder = temporaryFolder({ ...FILES, 'more.csv': 'id,note\n1,x\n', 'ages.csv': 'id,age\n1,20\n' });
  const own = TABLES(folder);
  const more = (file: string) => ({ of: 'user', source: 'users', path: join(folder, file), on: { user_id: 'id' } });
  const nothing = await failure(
    built(folder, manifest, { tables: { ...own, more: { ...more('more.csv'), fields: ['age'] } } }),
  );
  expect(nothing.code).toBe('FEATURES_FIELD');
  const other = { ...more('more.csv'), source: 'log', on: { other: 'note' } };
  expect((await failure(built(folder, manifest, { tables: { ...own, other } }))).code).toBe('FEATURES_NOTHING');
  const twice = await failure(built(folder, manifest, { tables: { ...own, ages: more('ages.csv') } }));
  expect(twice.message).toMatch(/several tables give the field age of the model: users, ages/);
  expect(twice.code).toBe('FEATURES_FIELD_TWICE');
  const users = { ...own.users, fields: ['decade', 'city', 'born_in'] };
  const reply = await built(folder, manifest, {
    tables: { ...own, users, ages: { ...more('ages.csv'), fields: ['age'] } },
  });
  expect(reply?.sets[0].tables.map(({ fields, idFields }) => [...fields, ...idFields])).toEqual([
    ['decade', 'city', 'born_in', 'user_id'],
    ['tags', 'price', 'item_id'],
    ['age'],
  ]);
});

test('a table may be a folder of Parquet files; rows without an id are counted; unchanged files are not read again', async () => {
  const folder = temporaryFolder(FILES);
  mkdirSync(join(folder, 'parts'));
  await parquet(join(folder, 'parts/a.parquet'), "SELECT 1 AS id, 20.5 AS age, 'ü' AS city, '2000-01-01' AS born");
  await parquet(
    join(folder, 'parts/b.parquet'),
    "SELECT NULL::INTEGER AS id, 1.0 AS age, 'x' AS city, NULL::VARCHAR AS born",
  );
  const tables = { ...TABLES(folder), users: { ...TABLES(folder).users, path: join(folder, 'parts') } };
  const reply = await built(folder, manifest, { tables });
  const [{ rows, withoutId }] = reply?.sets[0].tables ?? [];
  expect({ rows, withoutId }).toEqual({ rows: 1, withoutId: 1 });
  expect(rowOf((await tablesOf(reply)).users, 1)).toEqual({ age: 20.5, decade: '2', city: 'ü', born_in: '2000' });
  expect(await built(folder, manifest, { tables }, reply?.sets[0].read)).toBeUndefined();
  await parquet(join(folder, 'parts/b.parquet'), "SELECT 2 AS id, 1.0 AS age, 'x' AS city, NULL::VARCHAR AS born");
  const next = await built(folder, manifest, { tables }, reply?.sets[0].read);
  expect(next?.sets[0].tables[0].rows).toBe(2);
});

test('a file that changes while it is read is refused: FEATURES_CHANGED', async () => {
  const { build, folder } = await withUsers(USERS);
  const reading = failure(build());
  let at = 1e9;
  const changing = setInterval(() => utimesSync(join(folder, 'tables/users.csv'), at, ++at), 5);
  const { code } = await reading.finally(() => clearInterval(changing));
  expect(code).toBe('FEATURES_CHANGED');
});

test('a reader that is killed or takes too long leaves all as it is: FEATURES_REFRESH', async () => {
  // In the tests this room is not compiled, so the process ends at once.
  const { code } = await failure(build({ models: [], folder: '.', maxBytes: 1 }, { ownProcess: true, seconds: 10 }));
  expect(code).toBe('FEATURES_REFRESH');
});
