import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createKey, keyRing } from '../../../src/serve/http/keys.ts';
import { startService } from '../../../src/serve/processes/service.ts';
import { ADMIN_KEY, artifact, type Client, hashed, serving } from '../support.ts';

const REQUEST = { scenario: 'home', user: { user: 'u1' }, items: [{ id: 1, item: 2 }] };

/** What is answered: never a fault of ours, never a stack trace, always a code and an id. */
async function refusal(client: Client, body: unknown, headers?: Record<string, string>): Promise<string> {
  const { status, body: answer, text } = await client.ask('/v1/rank', body, headers);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(text).not.toMatch(/\.(ts|js):\d+|node_modules|\n {4}at /);
  expect(answer).toMatchObject({
    error: { code: expect.any(String), message: expect.any(String) },
    request_id: expect.any(String),
  });
  return answer.error.code;
}

test('bodies that are not as expected are refused by code', async () => {
  const client = await serving([artifact().folder], { limits: { bodyBytes: 2_000_000 } });
  const cases: [string, unknown][] = [
    ['BODY_NOT_JSON', '{"scenario": "home", '],
    ['BODY_NOT_JSON', ''],
    ['BODY_NOT_JSON', '\u0000\u0001'],
    ['BODY_NOT_JSON', '{"scenario": NaN}'],
    ['BODY_NOT_JSON', '{"scenario":"home","items":[{"id":1,"__proto__":{"polluted":1}}]}'],
    ['BODY_NOT_JSON', '{"scenario":"home","items":[{"id":1,"constructor":{"prototype":{"polluted":1}}}]}'],
    ['BODY_NOT_JSON', '{"scenario":"home","items":[{"id":1,"__prot\\u006f__" : {"polluted":1}}]}'],
    ['BODY_NOT_JSON', '{"scenario":"home","items":[{"id":1,"\\u0063onstructor":{"prototype":{"polluted":1}}}]}'],
    ['BODY_NOT_JSON', '{"scenario":"home","user":{"\\u005f_proto__":{"polluted":1}},"items":[{"id":1}]}'],
    ['BODY_TOO_DEEP', `{"scenario":"home","items":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    ['BODY_TOO_DEEP', `{"scenario":"home","user":{"age":${'{"a":'.repeat(20)}1${'}'.repeat(20)}},"items":[{"id":1}]}`],
    ['REQUEST_INVALID', '[]'],
    ['REQUEST_INVALID', 'null'],
    ['REQUEST_INVALID', '"text"'],
    ['REQUEST_INVALID', {}],
    ['REQUEST_INVALID', { ...REQUEST, items: [] }],
    ['REQUEST_INVALID', { ...REQUEST, items: {} }],
    ['REQUEST_INVALID', { ...REQUEST, items: [null] }],
    ['REQUEST_INVALID', { ...REQUEST, items: [[1]] }],
    ['REQUEST_INVALID', { ...REQUEST, items: [{ item: 1 }] }],
    ['REQUEST_INVALID', { ...REQUEST, items: [{ id: {} }] }],
    ['REQUEST_INVALID', { ...REQUEST, items: [{ id: 'x'.repeat(257) }] }],
    ['REQUEST_INVALID', { ...REQUEST, user: [] }],
    ['REQUEST_INVALID', { ...REQUEST, user: { usr: 'u1' } }],
    ['REQUEST_INVALID', { ...REQUEST, user: { constructor: 1 } }],
    ['REQUEST_INVALID', { ...REQUEST, usr: {} }],
    ['REQUEST_INVALID', { ...REQUEST, top_k: 0 }],
    ['REQUEST_INVALID', { ...REQUEST, explain: 'yes' }],
    ['REQUEST_INVALID', { ...REQUEST, model: 3 }],
    ['REQUEST_INVALID', { ...REQUEST, user: { sequences: {} } }],
    ['REQUEST_INVALID', '{"scenario":"home","user":{"age":1e999},"items":[{"id":1}]}'],
    ['REQUEST_INVALID', '{"scenario":"home","user":{"user":9007199254740993},"items":[{"id":1}]}'],
    ['ROW_VALUE_INVALID', { ...REQUEST, user: { age: 'NaN' } }],
    ['ROW_VALUE_INVALID', { ...REQUEST, user: { user: {} } }],
    ['ROW_VALUE_INVALID', { ...REQUEST, items: [{ id: 1, tags: [[1]] }] }],
    ['SCENARIO_UNKNOWN', { ...REQUEST, scenario: 'basement' }],
    ['SCENARIO_UNKNOWN', { ...REQUEST, scenario: '__proto__' }],
    ['TOO_MANY_ITEMS', { ...REQUEST, items: Array.from({ length: 10_001 }, (_, id) => ({ id })) }],
    ['BODY_TOO_LARGE', `{"scenario":"${'x'.repeat(2_000_001)}"}`],
  ];
  for (const [code, body] of cases) expect([code, body, await refusal(client, body)]).toEqual([code, body, code]);
  expect(await refusal(client, 'scenario=home', { 'content-type': 'application/x-www-form-urlencoded' })).toBe(
    'BODY_TYPE',
  );
  expect(await refusal(client, 'hello', { 'content-type': 'text/plain' })).toBe('BODY_TYPE');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200); // and it still answers
});

test('mistakes are named by path, all of them and with what was probably meant', async () => {
  const client = await serving([artifact().folder]);
  const { body } = await client.ask('/v1/rank', { ...REQUEST, user: { agee: 3 }, items: [{ id: 1 }, { item: 3 }, 7] });
  expect(body.error.details.problems).toEqual([
    { path: 'user.agee', message: 'the model has no such field; the nearest is age' },
    { path: 'items.1.id', message: 'expected a number or a text of at most 256 characters, found none' },
    { path: 'items.2', message: 'expected an object with an id, found 7' },
  ]);
});

test('unknown fields may be ignored; values that nobody has seen are answered', async () => {
  const client = await serving([artifact().folder], { unknownFields: 'ignore' });
  const { status, body } = await client.ask('/v1/rank', {
    ...REQUEST,
    user: { user: 'never seen', colour: 'red' },
    items: [{ id: 1, item: -5, tags: [null, 'zzz'] }],
  });
  expect([status, body.items.length]).toEqual([200, 1]);
});

test('10,000 items are answered', async () => {
  const client = await serving([artifact().folder]);
  const { status, body } = await client.ask('/v1/rank', {
    ...REQUEST,
    items: Array.from({ length: 10_000 }, (_, id) => ({ id, item: id % 60 })),
    top_k: 3,
  });
  expect([status, body.items.length]).toEqual([200, 3]);
});

test('keys: needed where configured, hashed in the configuration, told apart from admin keys', async () => {
  const [{ key, sha256 }, admin] = [createKey(), hashed('admin', ADMIN_KEY)];
  const client = await serving([artifact().folder], { keys: [{ name: 'shop', sha256 }], adminKeys: [admin] });
  expect(await refusal(client, REQUEST)).toBe('KEY_INVALID');
  expect(await refusal(client, REQUEST, { authorization: 'Bearer wrong' })).toBe('KEY_INVALID');
  expect(await refusal(client, REQUEST, { authorization: `Bearer ${sha256}` })).toBe('KEY_INVALID');
  expect(await refusal(client, REQUEST, { authorization: `Basic ${key}` })).toBe('KEY_INVALID');
  const status = async (path: string, headers: Record<string, string>, body?: unknown) =>
    (await client.ask(path, body, headers)).status;
  const [mine, theirs] = [{ authorization: `Bearer ${key}` }, { authorization: `Bearer ${ADMIN_KEY}` }];
  expect(await status('/v1/rank', mine, REQUEST)).toBe(200);
  expect(await status('/v1/rank', { 'x-api-key': key }, REQUEST)).toBe(200);
  expect(await status('/v1/rank', theirs, REQUEST)).toBe(200);
  for (const path of ['/metrics', '/openapi.json', '/docs', '/v2', '/v2/models/test-model']) {
    expect([path, await status(path, {})]).toEqual([path, 401]);
    expect([path, await status(path, mine)]).toEqual([path, 200]);
  }
  for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/test-model/ready'])
    expect([path, await status(path, {})]).toEqual([path, 200]);
  expect(await status('/admin/models', mine)).toBe(403);
  expect(await status('/admin/models', {})).toBe(401);
  expect(await status('/admin/models', theirs)).toBe(200);
});

test('without admin keys nobody changes what is served', async () => {
  const { folder } = artifact();
  const client = await serving([folder], { adminKeys: [] });
  for (const [path, body] of [
    ['/admin/models', undefined],
    ['/admin/models/test-model/load', { path: folder }],
    ['/admin/models/test-model/rollback', {}],
  ] as const) {
    const { status, body: answer } = await client.admin(path, body);
    expect([status, answer.error.code]).toEqual([403, 'ADMIN_FORBIDDEN']);
  }
});

test('a ring of keys knows each of its keys and no other', () => {
  const keys = Array.from({ length: 5 }, createKey);
  const ring = keyRing(keys.map(({ sha256 }, i) => ({ name: `k${i}`, sha256 })));
  expect(keys.map(({ key }) => ring(key))).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  expect([ring(''), ring(keys[0].key.slice(1)), ring(keys[0].sha256)]).toEqual([undefined, undefined, undefined]);
});

test('requests beyond the rows that may wait are told to come back', async () => {
  const client = await serving([artifact().folder], { limits: { waitingRows: 50 }, batching: { windowMs: 50 } });
  const many = { ...REQUEST, items: Array.from({ length: 40 }, (_, id) => ({ id })) };
  const answers = await Promise.all(Array.from({ length: 4 }, () => client.ask('/v1/rank', many)));
  const busy = answers.filter(({ status }) => status === 503);
  expect(busy.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length).toBe(4 - busy.length);
  expect(busy[0].body.error.code).toBe('SERVER_BUSY');
  expect(busy[0].headers.get('retry-after')).toBe('1');
});

/** Sends bytes as they are; gives all that comes back. */
function raw(port: number, send: (write: (text: string) => void) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => send((text) => void socket.write(text)));
    socket.on('data', (data) => {
      received += data;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

test('a body that comes too slowly is given up, and what is no HTTP is answered', async () => {
  const { service } = await serving([artifact().folder], { limits: { requestSeconds: 0.3 } });
  const slow = raw(service.port, (write) =>
    write('POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"scen'),
  );
  const noise = raw(service.port, (write) => write('\u0016\u0003\u0001 hello\r\n\r\n'));
  expect(await slow).toMatch(/^HTTP\/1.1 408 [\s\S]*"REQUEST_TIMEOUT"/);
  expect(await noise).toMatch(/^HTTP\/1.1 400 [\s\S]*"HTTP_INVALID"/);
});

test('there is no other route, and no route tells more than its code', async () => {
  const client = await serving([artifact().folder]);
  for (const path of [
    '/',
    '/v1/rank',
    '/v1/rank/x',
    '/v2/models/none',
    '/v2/models/test-model/versions/1',
    '/%ff',
    '/..%2f..%2fetc/passwd',
    '/admin',
  ]) {
    const { status, text } = await client.ask(path);
    expect([path, status]).toEqual([path, path === '/%ff' ? 400 : 404]);
    expect(text).not.toMatch(/\.(ts|js):\d+|node_modules/);
  }
  // The body of such a request is not even read.
  const { status, body } = await client.ask('/v1/none', '{"scenario":');
  expect([status, body.error.code]).toEqual([404, 'ROUTE_UNKNOWN']);
});

test('a message names the first of thousands, not all', async () => {
  const client = await serving([artifact().folder]);
  const long = 'x'.repeat(200_000);
  for (const body of [
    { ...REQUEST, scenario: long },
    { ...REQUEST, user: { age: long } },
    { ...REQUEST, user: { [long]: 1 } },
    { ...REQUEST, items: [{ id: { a: long } }] },
    { ...REQUEST, items: [{ id: [long, long] }] },
    { ...REQUEST, model: long },
    { ...REQUEST, request_id: long },
    { ...REQUEST, [long]: long },
    { scenario: 'home', items: long },
  ]) {
    const { status, text } = await client.ask('/v1/rank', body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text.length).toBeLessThan(10_000);
  }
  expect((await client.ask(`/v2/models/${long.slice(0, 8000)}`)).text.length).toBeLessThan(10_000);
});

test('a port that another program listens on is refused with its number', async () => {
  const { service } = await serving([artifact().folder]);
  await expect(serving([artifact().folder], { port: service.port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${service.port}: .*EADDRINUSE.*Choose another --port`)),
  });
});

test('a service closes once: by its signal, by being disposed of, or by close', async () => {
  const controller = new AbortController();
  const { service, address } = await serving([artifact().folder], {}, (options) =>
    startService({ ...options, signal: controller.signal }),
  );
  expect((await fetch(`${address}/v2/health/live`)).status).toBe(200);
  controller.abort();
  await service[Symbol.asyncDispose]();
  await service.close();
  await expect(fetch(`${address}/v2/health/live`)).rejects.toThrow();
});
