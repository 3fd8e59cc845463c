import { createHmac } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadServing } from '../../../src/config/load-serving.ts';
import type { ServingInput } from '../../../src/config/serving.ts';
import { drawOrder, orderMarginals, orderPropensity } from '../../../src/evaluate/replay/plackett-luce.ts';
import type { Impression, LogEvent } from '../../../src/events/event.ts';
import type { RankedItem } from '../../../src/serve/ranker/contract.ts';
import { readSegments } from '../../events/read-segments.ts';
import { artifact, type Client, hashed, REQUEST, serving, temporaryFolder } from '../support.ts';

type Events = Omit<NonNullable<ServingInput['events']>, 'folder'>;

/** A service that logs into a folder of its own. */
async function logging(events: Events = {}, config: ServingInput = {}, made = artifact()) {
  const folder = join(temporaryFolder(), 'events');
  const client = await serving([made.folder], { ...config, events: { folder, sync: 'always', ...events } });
  return { client, folder, label: `test-model@${made.manifest.id}` };
}

async function stored(folder: string): Promise<LogEvent[]> {
  const found: LogEvent[] = [];
  for await (const { events, damaged } of readSegments(folder)) {
    expect(damaged).toBe(0);
    found.push(...events);
  }
  return found;
}

const textOf = (folder: string): string =>
  readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');

/** Schemas of the lines, once the service has ended. */
const schemasOf = (folder: string): string[] =>
  textOf(folder)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).schema);

/** All impressions, once the service has ended. */
async function impressions({ client, folder }: { client: Client; folder: string }): Promise<Impression[]> {
  await client.service.close();
  return (await stored(folder)).filter((event) => event.kind === 'impression');
}

const reaction = (n: number, over: object = {}) => ({
  kind: 'interaction',
  event_id: `e${n}`,
  request_id: 'r1',
  item_id: 1,
  type: 'click',
  ...over,
});

test('an answer is logged with its items, scores and values as they were used', async () => {
  const log = await logging({ unit: 'visitor', unshown: 1 });
  const request = {
    ...REQUEST,
    request_id: 'r1',
    user: { user: 'u1', visitor: 77 },
    context: { city: 'Zürich' },
    items: [...REQUEST.items, { id: 'third', item: 5 }],
    top_k: 1,
  };
  const { body } = await log.client.ask('/v1/rank', request);
  const { body: all } = await log.client.ask('/v1/score', { ...request, top_k: undefined });
  const [event, ...others] = await impressions(log);
  expect(others).toEqual([]); // scores in the order given are no ranking
  const byScore = [...all.items].sort((a, b) => b.score - a.score);
  const item = new Map(request.items.map(({ id, ...values }) => [String(id), values]));
  expect(event).toEqual({
    schema: 'event/1',
    event_id: expect.any(String),
    kind: 'impression',
    time: expect.closeTo(Date.now(), -5),
    request_id: 'r1',
    scenario: 'home',
    unit: '77',
    model: log.label,
    score_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
    took_ms: body.took_ms,
    policy: { kind: 'deterministic' },
    candidates: 3,
    items: byScore.slice(0, 2).map(({ id, score, probabilities }, i) => ({
      item_id: String(id),
      position: i === 0 ? 1 : null,
      score,
      probabilities,
      values: item.get(String(id)),
    })),
    values: { user: 'u1', city: 'Zürich' },
  });
  expect(body.items).toEqual([byScore[0]]);
});

test('ids of any text, explained answers and unshown items are logged as they are', async () => {
  const log = await logging({ unshown: 3 });
  const ids = ['"score":1,', 'a\\"score\\":', '{}', 'é😀'];
  const items = ids.map((id, item) => ({ id, item: item * 7 }));
  const plain = await log.client.ask('/v1/rank', { ...REQUEST, items, top_k: 3 });
  const explained = await log.client.ask('/v1/rank', { ...REQUEST, items, explain: true });
  expect(plain.headers.get('content-type')).toBe('application/json; charset=utf-8');
  const [first, second] = await impressions(log);
  for (const [event, { body }] of [
    [first, plain],
    [second, explained],
  ] as const)
    expect(event.items.slice(0, body.items.length)).toEqual(
      body.items.map(({ id, score, probabilities }: RankedItem, i: number) => ({
        item_id: id,
        position: i + 1,
        score,
        probabilities,
        values: { item: items.find((item) => item.id === id)?.item },
      })),
    );
  expect(first.items).toHaveLength(4);
  expect(first.items[3]).toMatchObject({ position: null, score: explained.body.items[3].score });
});

test('items stay as they came only where they hold what is kept, and read the same either way', async () => {
  const items = [
    { id: 7, item: 3 },
    { id: 'é', item: 9 },
    { id: 7, item: 5 },
  ];
  const text = JSON.stringify({ ...REQUEST, items });
  const bodies: [body: string, schema: string][] = [
    [text, 'event/3'],
    [text.replaceAll(':', ' : '), 'event/3'],
    [JSON.stringify({ ...REQUEST, items, explain: true }), 'event/3'],
    [JSON.stringify(JSON.parse(text), null, 2), 'event/2'],
    [text.replace('é', '\\u00e9'), 'event/2'],
    [text.replace('"item":5', '"item":7,"item":5'), 'event/2'],
    [text.replace('"item":9', '"item":9.0'), 'event/2'],
    [text.replace('"item":9', '"city":"x","item":9'), 'event/2'],
  ];
  const log = await logging();
  const answers: { items: RankedItem[] }[] = [];
  for (const [body] of bodies) answers.push((await log.client.ask('/v1/rank', body)).body);
  const events = await impressions(log);
  expect(schemasOf(log.folder)).toEqual(bodies.map(([, schema]) => schema));
  events.forEach(({ items: logged }, n) => {
    expect(logged).toHaveLength(3);
    logged.forEach(({ item_id, position, score, values }, i) => {
      const { id, score: answered } = answers[n].items[i];
      expect([item_id, position, score]).toEqual([String(id), i + 1, answered]);
      expect(items.map(({ id, item }) => [String(id), item])).toContainEqual([item_id, values?.item]);
    });
    expect(new Set(logged.map(({ values }) => values?.item)).size).toBe(3);
  });
});

test.each<[why: string, events: Events, request: object, config?: ServingInput]>([
  ['no value is kept', { fields: 'none' }, REQUEST],
  ['a field is not kept', { fields: ['user'] }, REQUEST],
  ['a name is no field', {}, { ...REQUEST, items: [{ id: 1, item: 2, guest: 'x' }] }, { unknownFields: 'ignore' }],
  ['not all candidates are kept', { unshown: 0 }, { ...REQUEST, top_k: 1 }],
])('items do not stay as they came where %s', async (_, events, request, config) => {
  const log = await logging(events, config);
  expect((await log.client.ask('/v1/rank', request)).status).toBe(200);
  const logged = await impressions(log);
  expect(schemasOf(log.folder)).toEqual(['event/2']);
  expect(JSON.stringify(logged)).not.toContain('guest');
});

test('an item that has the hashed unit is written again without it', async () => {
  process.env.TEST_UNIT_SALT = 'salt';
  onTestFinished(() => void delete process.env.TEST_UNIT_SALT);
  const log = await logging({ unit: 'user', unitHash: 'env:TEST_UNIT_SALT' });
  await log.client.ask('/v1/rank', { ...REQUEST, items: [{ id: 1, item: 2, user: 'somebody' }] });
  await log.client.service.close();
  expect(schemasOf(log.folder)).toEqual(['event/2']);
  expect(textOf(log.folder)).not.toContain('somebody');
});

test('nothing is logged without the block', async () => {
  const client = await serving([artifact().folder]);
  expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
  const { status, body } = await client.ask('/v1/events', { events: [reaction(1)] });
  expect([status, body.error.code]).toEqual([404, 'EVENTS_OFF']);
  expect((await client.ask('/metrics')).text).not.toContain('tributary_events');
  expect((await client.ask('/v2/health/ready')).body).toEqual({ ready: true });
});

test('the clock of requests: impressions have the time of the header, and the client sees that', async () => {
  const header = { 'tributary-clock': '1706659200000' };
  const log = await logging({ clock: 'requests' });
  const { headers } = await log.client.ask('/v1/rank', REQUEST, header);
  expect(headers.get('tributary-clock')).toBe('1706659200000');
  expect((await log.client.ask('/v1/rank', REQUEST)).headers.get('tributary-clock')).toBeNull();
  for (const wrong of ['', 'now', '-1', '1.5', '9999999999999999']) {
    const { status, body } = await log.client.ask('/v1/rank', REQUEST, { 'tributary-clock': wrong });
    expect([status, body.error.code]).toEqual([400, 'CLOCK_INVALID']);
  }
  expect((await impressions(log)).map(({ time }) => time)).toEqual([1706659200000, expect.closeTo(Date.now(), -5)]);
  const own = await logging();
  expect((await own.client.ask('/v1/rank', REQUEST, header)).headers.get('tributary-clock')).toBeNull();
  expect((await impressions(own))[0].time).toBeCloseTo(Date.now(), -5);
});

test('fields: none keeps no value; a list keeps these alone', async () => {
  const none = await logging({ fields: 'none' });
  await none.client.ask('/v1/rank', REQUEST);
  const [event] = await impressions(none);
  expect(event.values).toBeUndefined();
  expect(event.items.every(({ values }) => values === undefined)).toBe(true);
  expect(JSON.stringify(event)).not.toContain('u1');
  const some = await logging({ fields: ['item'] });
  await some.client.ask('/v1/rank', REQUEST);
  const [listed] = await impressions(some);
  expect(listed.values).toEqual({});
  expect(listed.items.map(({ values }) => values)).toEqual(expect.arrayContaining([{ item: 2 }, { item: 9 }]));
});

test('a hashed unit is nowhere in the log', async () => {
  process.env.TEST_UNIT_SALT = 'salt';
  onTestFinished(() => void delete process.env.TEST_UNIT_SALT);
  const log = await logging({ unit: 'user', unitHash: 'env:TEST_UNIT_SALT' });
  await log.client.ask('/v1/rank', { ...REQUEST, user: { user: 'somebody' } });
  const [event] = await impressions(log);
  expect(event.unit).toBe(createHmac('sha256', 'salt').update('somebody').digest('hex'));
  expect(JSON.stringify(event)).not.toContain('somebody');
  await expect(logging({ unit: 'user', unitHash: 'env:TEST_NO_SALT' })).rejects.toMatchObject({
    code: 'EVENTS_SECRET',
    message: expect.stringContaining('TEST_NO_SALT'),
  });
});

test('the unit need not be a field, and must be a text or a number', async () => {
  const { client } = await logging({ unit: 'visitor' });
  for (const visitor of ['a', 7, true, null])
    expect((await client.ask('/v1/rank', { ...REQUEST, context: { visitor } })).status).toBe(200);
  const { status, body } = await client.ask('/v1/rank', { ...REQUEST, user: { visitor: ['a'] } });
  expect([status, body.error.details.problems[0].path]).toEqual([400, 'user.visitor']);
  expect((await client.ask('/v1/rank', { ...REQUEST, user: { guest: 'a' } })).status).toBe(400);
});

test('a share of the requests is logged, the same in every service', async () => {
  const logs = [await logging({ share: 0.5 }), await logging({ share: 0.5 })];
  for (let n = 0; n < 40; n++)
    for (const { client } of logs) await client.ask('/v1/rank', { ...REQUEST, request_id: `r${n}` });
  const [first, second] = await Promise.all(
    logs.map(async (log) => (await impressions(log)).map(({ request_id }) => request_id).sort()),
  );
  expect(first).toEqual(second);
  expect(first.length).toBeGreaterThan(8);
  expect(first.length).toBeLessThan(32);
});

test('interactions and corrections are taken one by one, and once', async () => {
  const { client, folder } = await logging();
  const future = Date.now() + 3_600_000;
  const { status, body } = await client.ask('/v1/events', {
    events: [
      reaction(1),
      reaction(2, { value: 9.5, time: 1_700_000_000_000 }),
      reaction(1),
      { kind: 'correction', event_id: 'c1', request_id: 'r1', item_id: '1', type: 'click' },
      reaction(3, { type: undefined }),
      reaction(4, { color: 'red' }),
      reaction(5, { time: future }),
      17,
    ],
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    accepted: 3,
    duplicate: 1,
    refused: [
      { index: 4, code: 'EVENT_INVALID', message: expect.stringContaining('type') },
      { index: 5, code: 'EVENT_INVALID', message: expect.stringContaining('color') },
      { index: 6, code: 'EVENT_IN_FUTURE' },
      { index: 7, code: 'EVENT_INVALID' },
    ],
  });
  expect((await client.ask('/v1/events', { events: [reaction(2)] })).body).toEqual({
    accepted: 0,
    duplicate: 1,
    refused: [],
  });
  // `sync: always`: what was accepted is there.
  expect(await stored(folder)).toEqual([
    { ...reaction(1), item_id: '1', schema: 'event/1', time: expect.any(Number) },
    { ...reaction(2), item_id: '1', schema: 'event/1', value: 9.5, time: 1_700_000_000_000 },
    { ...reaction(0), kind: 'correction', event_id: 'c1', item_id: '1', schema: 'event/1', time: expect.any(Number) },
  ]);
  const metrics = (await client.ask('/metrics')).text;
  expect(metrics).toContain('tributary_events_total{kind="interaction"} 2');
  expect(metrics).toContain('tributary_events_queue_bytes 0');
});

test('a body has at most 1000 events', async () => {
  const { client } = await logging();
  const events = Array.from({ length: 1001 }, (_, n) => reaction(n));
  const { status, body } = await client.ask('/v1/events', { events });
  expect([status, body.error.code]).toEqual([413, 'TOO_MANY_EVENTS']);
  expect((await client.ask('/v1/events', { events: events.slice(1) })).body.accepted).toBe(1000);
  expect((await client.ask('/v1/events', { event: [] })).status).toBe(400);
});

test('a key for events can do nothing else', async () => {
  const keys = [
    { ...hashed('browser', 'tk_browser'), scopes: ['events' as const] },
    { ...hashed('shop', 'tk_shop'), scopes: ['rank' as const] },
    hashed('both', 'tk_both'),
  ];
  const { client } = await logging({}, { keys });
  const status = async (path: string, body: unknown, key: string) => {
    const answer = await client.ask(path, body, { authorization: `Bearer ${key}` });
    return answer.body.error?.code ?? answer.status;
  };
  let n = 0;
  const events = () => ({ events: [reaction(n++)] });
  expect(await status('/v1/events', events(), 'tk_browser')).toBe(200);
  expect(await status('/v1/rank', REQUEST, 'tk_browser')).toBe('KEY_SCOPE');
  expect(await status('/openapi.json', undefined, 'tk_browser')).toBe('KEY_SCOPE');
  expect(await status('/admin/models', undefined, 'tk_browser')).toBe('ADMIN_FORBIDDEN');
  expect(await status('/v1/events', events(), 'tk_shop')).toBe('KEY_SCOPE');
  expect(await status('/v1/rank', REQUEST, 'tk_shop')).toBe(200);
  expect(await status('/v1/events', events(), 'tk_both')).toBe(200);
  expect(await status('/v1/rank', REQUEST, 'tk_both')).toBe(200);
  expect(await status('/v1/events', events(), 'tk_nobody')).toBe('KEY_INVALID');
});

test('explored answers are drawn from the logged seed, with the chances of what was shown', async () => {
  const items = Array.from({ length: 6 }, (_, i) => ({ id: i, item: 3 * i }));
  const log = await logging({ unshown: 10 }, { exploration: { share: 0.5, temperature: 0.1 } });
  const shown = new Map<string, string[]>();
  for (let n = 0; n < 40; n++) {
    const { body } = await log.client.ask('/v1/rank', { ...REQUEST, items, top_k: 3, request_id: `r${n}` });
    shown.set(
      `r${n}`,
      body.items.map(({ id }: { id: number }) => String(id)),
    );
  }
  const all = await impressions(log);
  const drawn = all.filter(({ policy }) => policy.kind === 'plackett-luce');
  expect(drawn.length).toBeGreaterThan(5);
  expect(drawn.length).toBeLessThan(35);
  for (const { items: logged, policy, request_id } of all) {
    const first = logged.filter(({ position }) => position !== null).map(({ item_id }) => item_id);
    expect(first).toEqual(shown.get(request_id));
    if (policy.kind !== 'plackett-luce') {
      expect(logged.every(({ propensity }) => propensity === undefined)).toBe(true);
      continue;
    }
    const given = items.map(({ id }) => logged.find(({ item_id }) => item_id === String(id))!);
    const scores = given.map(({ score }) => score);
    const { temperature, seed } = policy;
    const order = drawOrder(scores, 3, { temperature, seed });
    expect(order.map(String)).toEqual(first);
    const { logCascade, logJoint } = orderPropensity(scores, order, temperature);
    const marginals = orderMarginals(scores, 3, temperature);
    expect(policy.log_joint).toBe(logJoint);
    expect(logged.slice(0, 3).map(({ propensity }) => propensity)).toEqual(
      order.map((i, position) => ({ marginal: marginals[i][position], log_prefix: logCascade[position] })),
    );
  }
});

test('with a seed the same requests get the same orders', async () => {
  const items = Array.from({ length: 6 }, (_, i) => ({ id: i, item: 3 * i }));
  const ordersOf = async (seed: string): Promise<string[]> => {
    const log = await logging({}, { exploration: { share: 0.5, temperature: 0.1, seed } });
    const orders: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { body } = await log.client.ask('/v1/rank', { ...REQUEST, items, request_id: `r${n}` });
      orders.push(body.items.map(({ id }: { id: number }) => id).join());
    }
    const drawn = (await impressions(log)).flatMap(({ policy }) =>
      policy.kind === 'plackett-luce' ? policy.seed : [],
    );
    expect(drawn.length).toBeGreaterThan(2);
    expect(new Set(drawn).size).toBe(drawn.length);
    return orders;
  };
  const first = await ordersOf('a');
  expect(new Set(first).size).toBeGreaterThan(3);
  expect(await ordersOf('a')).toEqual(first);
  expect(await ordersOf('b')).not.toEqual(first);
});

test('long lists have chances of prefixes alone', async () => {
  const items = Array.from({ length: 200 }, (_, i) => ({ id: i, item: i % 60 }));
  const log = await logging({}, { exploration: { share: 1 } });
  await log.client.ask('/v1/rank', { ...REQUEST, items });
  const [{ items: logged }] = await impressions(log);
  expect(logged).toHaveLength(200);
  for (const { propensity } of logged) expect(propensity).toEqual({ log_prefix: expect.any(Number) });
});

test('a log that cannot be written stops, and comes back; answers go on', async () => {
  const log = await logging({ sync: 'interval', queueBytes: 3000, rotate: { seconds: 0.05 } });
  const { client, folder } = log;
  chmodSync(folder, 0o500);
  onTestFinished(() => chmodSync(folder, 0o700));
  if (process.getuid?.() === 0) {
    // Root may write anywhere: a file in the place of the folder stops it, too.
    const { renameSync, writeFileSync } = await import('node:fs');
    renameSync(folder, `${folder}-aside`);
    writeFileSync(folder, '');
  }
  for (let n = 0; n < 20; n++) expect((await client.ask('/v1/rank', { ...REQUEST })).status).toBe(200);
  await expect
    .poll(async () => (await client.ask('/v2/health/ready')).body)
    .toEqual({ ready: true, events: 'stopped' });
  const { text } = await client.ask('/metrics');
  expect(text).toContain('tributary_events_stopped 1');
  expect(Number(/tributary_events_dropped_total\{kind="impression"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(5);
  const full = await client.ask('/v1/events', { events: Array.from({ length: 50 }, (_, n) => reaction(n)) });
  expect(full.status).toBe(200);
  expect(full.body.refused).toContainEqual(expect.objectContaining({ code: 'EVENT_NOT_STORED' }));
  if (process.getuid?.() === 0) {
    const { renameSync, rmSync } = await import('node:fs');
    rmSync(folder);
    renameSync(`${folder}-aside`, folder);
  }
  chmodSync(folder, 0o700);
  await expect
    .poll(async () => (await client.ask('/v2/health/ready')).body, { timeout: 5000 })
    .toEqual({ ready: true, events: 'logged' });
  await client.service.close();
  const events = await stored(folder);
  const gaps = events.flatMap((event) => (event.kind === 'gap' ? [event.count] : []));
  expect(events.length - gaps.length + gaps.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(20);
  expect(readdirSync(folder).every((name) => name.endsWith('.jsonl'))).toBe(true);
});

test('mistakes of the block are named', async () => {
  const problems = async (config: object) =>
    loadServing(config).then(
      () => [],
      ({ details }) => details.problems.map(({ path }: { path: string }) => path),
    );
  expect(await problems({ events: {} })).toEqual(['events.folder']);
  expect(await problems({ events: { folder: 'x', url: 'env:URL' } })).toEqual(['events.url']);
  expect(await problems({ events: { sink: 'postgres', folder: 'x' } })).toEqual(['events.url', 'events.folder']);
  expect(await problems({ events: { sink: 'redis', url: 'redis://me:password@cache' } })).toEqual(['events.url']);
  expect(await problems({ events: { sink: 'postgres', url: 'env:URL', table: 'a;b' } })).toEqual(['events.table']);
  expect(await problems({ events: { folder: 'x', unitHash: 'env:SALT' } })).toEqual(['events.unit']);
  expect(await problems({ events: { folder: 'x', unit: 'u', unitHash: 'salt' } })).toEqual(['events.unitHash']);
  expect(await problems({ events: { folder: 'x', queueBytes: '3 parsec' } })).toEqual(['events.queueBytes']);
  expect(await problems({ exploration: { share: 0.1 } })).toEqual(['exploration']);
  const { events } = await loadServing({ events: { folder: 'x', queueBytes: '1.5MB', rotate: { bytes: '2 kB' } } });
  expect(events).toMatchObject({ queueBytes: 1.5e6, rotate: { bytes: 2000, seconds: 300 } });
});
