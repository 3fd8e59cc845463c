/** Tables of features behind a service: what requests may leave out, and what happens while tables change. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ServingInput } from '../../../src/config/serving.ts';
import type { Impression } from '../../../src/events/event.ts';
import { readSegments } from '../../events/read-segments.ts';
import { artifact, type Client, serving, temporaryFolder } from '../support.ts';
import { prepared, tablesAt, VERSIONS } from './example.ts';

const [{ users: USERS, items: ITEMS }] = VERSIONS;

type Features = NonNullable<ServingInput['features']>;

/** A service with a table of users and one of items. */
async function withTables(config: ServingInput = {}, features: Partial<Features> = {}, made = prepared()) {
  const folder = temporaryFolder();
  const files = { users: join(folder, 'users.csv'), items: join(folder, 'items.csv') };
  const write = (name: keyof typeof files, lines: string[]): void => writeFileSync(files[name], lines.join('\n'));
  write('users', USERS);
  write('items', ITEMS);
  const client = await serving([made.folder], {
    ...config,
    features: {
      tables: tablesAt(files),
      ownProcess: false,
      ...features,
    },
  });
  /** The same artifact without tables. */
  const plain = await serving([made.folder]);
  return { client, plain, files, write, label: `test-model@${made.manifest.id}` };
}

const probabilities = async ({ ask }: Client, body: object): Promise<object[]> => {
  const { status, body: answer } = await ask('/v1/score', { scenario: 'home', ...body });
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer.items.map((item: { probabilities: object }) => item.probabilities);
};

/** What the tables say, as a request would send it. */
const VALUES = {
  users: {
    u1: { age: 17.5, city: 'Zürich' },
    u2: {},
    u3: { age: -3, city: 'a,b' },
    4: { age: 100, city: '東京' },
    u5: { age: 50, city: '05' },
  },
  items: { 2: { tags: ['t1', 't2'] }, 9: {}, new: { tags: 't3|t1|t4' } },
};

test('a request with ids alone is answered bit for bit like one with all values', async () => {
  const { client, plain } = await withTables();
  const ids = [2, 9, 'new', 'gone', '2'];
  const alone = ids.map((id) => ({ id }));
  const whole = ids.map((id) => ({ id, item: id, ...(VALUES.items as Record<string, object>)[id] }));
  for (const user of ['u1', 'u2', 'u3', 4, '4', 'u5', 'unseen', '', null]) {
    const values = (VALUES.users as Record<string, object>)[String(user)];
    const found = await probabilities(client, { user: { user }, context: { hour: 3 }, items: alone });
    expect(found).toEqual(
      await probabilities(plain, { user: { user, ...values }, context: { hour: 3 }, items: whole }),
    );
  }
  // The id may come with the context; a user without one is unknown.
  expect(await probabilities(client, { context: { user: 'u1' }, items: alone })).toEqual(
    await probabilities(plain, { user: { user: 'u1', ...VALUES.users.u1 }, items: whole }),
  );
  expect(await probabilities(client, { items: alone })).toEqual(await probabilities(plain, { items: whole }));
});

test('what a request sends wins, wherever it sends it, also nothing', async () => {
  const { client, plain } = await withTables();
  const { u1 } = VALUES.users;
  const same = async (one: object, other: object): Promise<void> =>
    expect(await probabilities(client, one)).toEqual(await probabilities(plain, other));
  const items = [{ id: 2 }, { id: 9 }];
  const whole = [
    { id: 2, item: 2, ...VALUES.items[2] },
    { id: 9, item: 9 },
  ];
  await same({ user: { user: 'u1', age: 40 }, items }, { user: { user: 'u1', ...u1, age: 40 }, items: whole });
  await same(
    { user: { user: 'u1' }, context: { age: null }, items },
    { user: { user: 'u1', city: u1.city }, items: whole },
  );
  await same(
    {
      user: { user: 'u1' },
      items: [
        { id: 2, tags: 't9', item: 7 },
        { id: 9, age: 80 },
      ],
    },
    {
      user: { user: 'u1', ...u1 },
      items: [
        { id: 2, item: 7, tags: ['t9'] },
        { id: 9, item: 9, age: 80 },
      ],
    },
  );
  await same(
    { user: { user: 'u1' }, context: { tags: 't5' }, items },
    {
      user: { user: 'u1', ...u1, tags: 't5' },
      items: [
        { id: 2, item: 2 },
        { id: 9, item: 9 },
      ],
    },
  );
});

test('the log has the values that were used, whoever gave them', async () => {
  const folder = join(temporaryFolder(), 'events');
  const { client } = await withTables({ events: { folder, sync: 'always' } });
  const items = [{ id: 2 }, { id: 9, tags: 't9' }, { id: 'gone' }];
  await client.ask('/v1/rank', { scenario: 'home', user: { user: 'u1' }, context: { age: 40 }, items });
  await client.ask('/v1/rank', { scenario: 'home', user: { user: 'nobody', city: null }, items: [{ id: 9 }] });
  await client.service.close();
  const events: Impression[] = [];
  for await (const read of readSegments(folder)) events.push(...(read.events as Impression[]));
  const [first, second] = events;
  expect(first.values).toEqual({ user: 'u1', city: 'Zürich', age: 40 });
  expect(Object.fromEntries(first.items.map(({ item_id, values }) => [item_id, values]))).toEqual({
    2: { item: 2, tags: ['t1', 't2'] },
    9: { item: 9, tags: 't9' },
    gone: { item: 'gone' },
  });
  expect(second.values).toEqual({ user: 'nobody', city: null });
  expect(second.items[0].values).toEqual({ item: 9 });
});

test('ids are counted, and the memory of tables is stated', async () => {
  const { client, label } = await withTables();
  await client.ask('/v1/rank', {
    scenario: 'home',
    user: { user: 'u1' },
    items: [{ id: 2 }, { id: 'gone' }, { id: 9 }],
  });
  await client.ask('/v1/score', { scenario: 'home', user: { user: 'gone' }, items: [{ id: 2 }] });
  await client.ask('/v1/rank', { scenario: 'home', items: [{ id: 'gone' }] });
  const { text } = await client.ask('/metrics');
  const metric = (series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1),
    );
  const lookups = (table: string, outcome: string): number =>
    metric(`tributary_feature_lookups_total{model="${label}",table="${table}",outcome="${outcome}"}`);
  expect(['found', 'missing', 'none'].map((outcome) => lookups('users', outcome))).toEqual([1, 1, 1]);
  expect(['found', 'missing', 'none'].map((outcome) => lookups('items', outcome))).toEqual([3, 2, 0]);
  expect(metric('tributary_feature_rows{table="users"}')).toBe(5);
  const { body } = await client.admin('/admin/features');
  expect(body.tables).toMatchObject([
    { model: 'test-model', table: 'users', rows: 5, fields: ['user', 'age', 'city'] },
    { model: 'test-model', table: 'items', rows: 3, fields: ['item', 'tags'] },
  ]);
  expect(metric('tributary_feature_bytes{table="users"}')).toBeGreaterThanOrEqual(body.tables[0].bytes);
  expect(metric('tributary_feature_bytes{table="users"}')).toBeLessThan(body.tables[0].bytes + 2000); // the file's header
  const { body: document } = await client.ask('/openapi.json');
  expect(document.components.schemas['test-model.RankRequest'].properties.user.properties.age.description).toContain(
    'Looked up in the table users where it is not sent.',
  );
});

test('tables change under load without a failed request or an answer of both', async () => {
  const { client, write } = await withTables();
  const body = { scenario: 'home', user: { user: 'u1' }, items: [{ id: 2 }, { id: 9 }, { id: 'new' }] };
  const change = async (version: number) => {
    write('users', VERSIONS[version].users);
    write('items', VERSIONS[version].items);
    const { status, body: answer } = await client.admin('/admin/features/refresh', {});
    expect(status, JSON.stringify(answer)).toBe(200);
    return answer;
  };
  const answers = [await probabilities(client, body)];
  await change(1);
  answers.push(await probabilities(client, body));
  expect(answers[0]).not.toEqual(answers[1]);
  const allowed = new Set(answers.map((answer) => JSON.stringify(answer)));
  let isDone = false;
  const seen = new Map<string, number>();
  const load = async (): Promise<void> => {
    while (!isDone) {
      const answer = JSON.stringify(await probabilities(client, body));
      expect(allowed.has(answer), answer).toBe(true);
      seen.set(answer, (seen.get(answer) ?? 0) + 1);
    }
  };
  const loading = Promise.all([load(), load()]);
  for (let i = 0; i < 2; i++) {
    const { changed, tables } = await change(i % 2);
    expect(changed).toBe(true);
    const rows = [0, 1].map((version) => VERSIONS[version].users.length - 1);
    expect(tables[0]).toMatchObject({ table: 'users', rows: rows[i % 2], before: { rows: rows[1 - (i % 2)] } });
    // From the answer to the admin on, all requests use the new tables.
    expect(await probabilities(client, body)).toEqual(answers[i % 2]);
  }
  isDone = true;
  await loading;
  expect(seen.size).toBe(2);
  expect((await client.admin('/admin/features/refresh', {})).body.changed).toBe(false);
});

test('tables that cannot be read change nothing, and are counted', async () => {
  const { client, write, files } = await withTables();
  const body = { user: { user: 'u1' }, items: [{ id: 2 }] };
  const before = await probabilities(client, body);
  const outcomes = async (): Promise<string[]> =>
    (await client.ask('/metrics')).text
      .split('\n')
      .filter((line) => line.startsWith('tributary_feature_refreshes_total'));
  for (const [lines, code] of [
    [[...USERS, 'u1,1,x'], 'FEATURES_DUPLICATE'],
    [USERS.map((line) => line.replace('-3', 'old')), 'FEATURES_TABLE'],
    [USERS.map((line) => line.replace('user,', 'person,')), 'FEATURES_COLUMN'],
    [['user'], 'FEATURES_TABLE'],
  ] as const) {
    write('users', [...lines]);
    const { status, body: answer } = await client.admin('/admin/features/refresh', {});
    expect({ status, code: answer.error.code }).toEqual({ status: 422, code });
    expect(await probabilities(client, body)).toEqual(before);
  }
  rmSync(files.users);
  expect((await client.admin('/admin/features/refresh', {})).body.error.code).toBe('FEATURES_TABLE');
  expect(await outcomes()).toEqual(['tributary_feature_refreshes_total{outcome="failed"} 5']);
  write('users', USERS);
  expect((await client.admin('/admin/features/refresh', {})).status).toBe(200);
  expect(await probabilities(client, body)).toEqual(before);
});

test('tables are read anew by themselves', async () => {
  const { client, write } = await withTables({}, { refreshSeconds: 1 });
  write('users', VERSIONS[1].users);
  const rows = async (): Promise<number> => (await client.admin('/admin/features')).body.tables[0].rows;
  await expect.poll(rows, { timeout: 20_000 }).toBe(2);
});

test('a model that is loaded has tables; one that does not say how its data were prepared has none', async () => {
  const { client } = await withTables();
  const body = { user: { user: 'u1' }, items: [{ id: 2 }] };
  const next = prepared({ seed: 2 });
  const load = (path: string, name = 'test-model') => client.admin(`/admin/models/${name}/load`, { path });
  expect((await load(next.folder)).status).toBe(200);
  const plain = await serving([next.folder]);
  expect(await probabilities(client, body)).toEqual(
    await probabilities(plain, {
      user: { user: 'u1', ...VALUES.users.u1 },
      items: [{ id: 2, item: 2, ...VALUES.items[2] }],
    }),
  );
  const old = artifact({ seed: 3 });
  const { status, body: refused } = await load(old.folder);
  expect({ status, code: refused.error.code }).toEqual({ status: 422, code: 'FEATURES_ARTIFACT' });
});

test('without tables there are no routes for them', async () => {
  const client = await serving([prepared().folder]);
  for (const answer of [await client.admin('/admin/features'), await client.admin('/admin/features/refresh', {})])
    expect(answer.body.error.code).toBe('FEATURES_OFF');
  expect((await client.ask('/admin/features')).status).toBe(401);
});
