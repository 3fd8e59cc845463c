import { expect, test } from 'vitest';
import { createCounter } from '../../../src/serve/http/counter.ts';
import { createRefusalLog } from '../../../src/serve/http/refusal-log.ts';
import { ADMIN_KEY, artifact, type Client, hashed, REQUEST, serving } from '../support.ts';

const KEYS = [hashed('shop', 'tk_shop'), hashed('other', 'tk_other')];
const with_ = (key: string) => ({ authorization: `Bearer ${key}` });
const limited = { rateLimit: { requests: 3, seconds: 30 } };

async function statuses(client: Client, times: number, path: string, body?: unknown, headers = {}): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) found.push((await client.ask(path, body, headers)).status);
  return found;
}

test('requests beyond the rate are refused until a time that is named; health is always answered', async () => {
  const client = await serving([artifact().folder], limited);
  expect(await statuses(client, 5, '/v1/rank', REQUEST)).toEqual([200, 200, 200, 429, 429]);
  const { body, headers } = await client.ask('/v1/rank', REQUEST);
  expect(body.error.code).toBe('RATE_LIMITED');
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/test-model/ready'])
    expect(await statuses(client, 5, path)).toEqual([200, 200, 200, 200, 200]);
});

test('without keys every route counts, known or not', async () => {
  const client = await serving([artifact().folder], limited);
  for (const path of ['/metrics', '/nothing', '/docs']) expect((await client.ask(path)).status).not.toBe(429);
  for (const path of ['/metrics', '/nothing', '/docs', '/openapi.json', '/v2', '/admin/models'])
    expect([path, (await client.ask(path)).status]).toEqual([path, 429]);
});

test('paths that cannot be read count, too', async () => {
  const client = await serving([artifact().folder], limited);
  expect(await statuses(client, 4, '/%ff')).toEqual([400, 400, 400, 429]);
  expect(await statuses(client, 1, '/v1/rank', REQUEST)).toEqual([429]);
  expect(await statuses(client, 1, '/v2/health/live')).toEqual([200]);
});

test('wrong keys and unknown routes use up an address, never the key of somebody else there', async () => {
  const client = await serving([artifact().folder], { ...limited, keys: KEYS });
  expect(await statuses(client, 2, '/v1/rank', REQUEST, with_('wrong'))).toEqual([401, 401]);
  expect(await statuses(client, 3, '/nothing')).toEqual([401, 429, 429]);
  expect(await statuses(client, 1, '/admin/models', undefined, with_('wrong'))).toEqual([429]);
  expect(await statuses(client, 2, '/v1/rank', REQUEST, with_('tk_shop'))).toEqual([200, 200]);
  expect(await statuses(client, 2, '/nothing', undefined, with_('tk_shop'))).toEqual([404, 429]);
  expect(await statuses(client, 4, '/v1/rank', REQUEST, with_('tk_other'))).toEqual([200, 200, 200, 429]);
  expect(await statuses(client, 5, '/admin/models', undefined, with_(ADMIN_KEY))).toEqual([200, 200, 200, 200, 200]);
});

test('behind proxies the address is the one that they wrote, not the one that the client claims', async () => {
  const rank = async (client: Client, forwarded: string) =>
    (await client.ask('/v1/rank', REQUEST, { 'x-forwarded-for': forwarded })).status;
  const one = await serving([artifact().folder], { ...limited, trustProxy: true });
  for (let i = 0; i < 3; i++) expect(await rank(one, `10.0.0.${i}, 203.0.113.7`)).toBe(200);
  expect(await rank(one, '10.9.9.9, 203.0.113.7')).toBe(429); // another claim, the same client
  expect(await rank(one, '203.0.113.7, 198.51.100.1')).toBe(200); // the same claim, another client

  const two = await serving([artifact().folder], { ...limited, trustProxy: 2 });
  for (let i = 0; i < 3; i++) expect(await rank(two, `10.0.0.${i}, 203.0.113.7, 192.0.2.${i}`)).toBe(200);
  expect(await rank(two, '203.0.113.7, 192.0.2.9')).toBe(429);

  const known = await serving([artifact().folder], { ...limited, trustProxy: ['127.0.0.0/8', '192.0.2.0/24'] });
  for (let i = 0; i < 3; i++) expect(await rank(known, `10.0.0.${i}, 203.0.113.7, 192.0.2.${i}`)).toBe(200);
  expect(await rank(known, '203.0.113.7')).toBe(429);

  const none = await serving([artifact().folder], limited);
  for (let i = 0; i < 3; i++) expect(await rank(none, `203.0.113.${i}`)).toBe(200);
  expect(await rank(none, '203.0.113.9')).toBe(429);
});

test('addresses of one IPv6 network count together, those of an IPv4 client in either spelling, too', async () => {
  const client = await serving([artifact().folder], { ...limited, trustProxy: true });
  const rank = async (address: string) =>
    (await client.ask('/v1/rank', REQUEST, { 'x-forwarded-for': address })).status;
  for (const end of ['1', '2:3', 'ffff:1']) expect(await rank(`2001:db8:0:7::${end}`)).toBe(200);
  expect(await rank('2001:db8:0:7:aaaa::9')).toBe(429);
  expect(await rank('2001:db8:0:8::1')).toBe(200);
  for (const address of ['198.51.100.7', '::ffff:198.51.100.7', '198.51.100.7']) expect(await rank(address)).toBe(200);
  expect(await rank('::ffff:198.51.100.7')).toBe(429);
  expect(await rank('not an address')).toBe(200);
});

test('the counter follows a clock that nobody sets, and forgets what was counted long ago', () => {
  let now = 1e9;
  const counter = new (createCounter(() => now))({} as never);
  const count = (name: string): [number, number] => {
    let result: [number, number] = [0, 0];
    const tell = (_: unknown, told = { current: 0, ttl: 0 }): void => {
      result = [told.current, told.ttl];
    };
    counter.incr(name, tell, 1000, 3);
    return result;
  };
  expect([count('a'), count('a'), count('b')]).toEqual([
    [1, 1000],
    [2, 1000],
    [1, 1000],
  ]);
  now += 999;
  expect(count('a')).toEqual([3, 1]);
  now += 1;
  expect(count('a')).toEqual([1, 1000]);
  for (let i = 0; i < 60_000; i++) count(`attacker ${i}`);
  expect(count('a')).toEqual([1, 1000]); // forgotten, and memory is bounded
});

test('a wall clock that is set back locks nobody out', async () => {
  const client = await serving([artifact().folder], { rateLimit: { requests: 2, seconds: 0.5 } });
  const { now } = Date;
  try {
    expect(await statuses(client, 3, '/v1/rank', REQUEST)).toEqual([200, 200, 429]);
    Date.now = () => now() - 3_600_000;
    await new Promise((done) => setTimeout(done, 600));
    expect(await statuses(client, 1, '/v1/rank', REQUEST)).toEqual([200]);
  } finally {
    Date.now = now;
  }
});

test('of refusals the first lines of a code and second are written, the others counted', async () => {
  const lines: string[] = [];
  const log = createRefusalLog(2, (code, count) => void lines.push(`${count} more ${code}`));
  for (let i = 0; i < 5; i++) log.add('KEY_INVALID', () => void lines.push('KEY_INVALID'));
  log.add('ROUTE_UNKNOWN', () => void lines.push('ROUTE_UNKNOWN'));
  log.close();
  log.add('KEY_INVALID', () => void lines.push('KEY_INVALID'));
  log.close();
  expect(lines).toEqual(['KEY_INVALID', 'KEY_INVALID', 'ROUTE_UNKNOWN', '3 more KEY_INVALID', 'KEY_INVALID']);
});

test('refusals are counted by code', async () => {
  const client = await serving([artifact().folder], { keys: KEYS });
  await statuses(client, 3, '/v1/rank', REQUEST);
  await statuses(client, 2, '/nothing', undefined, with_('tk_shop'));
  await client.ask('/v1/rank', '{', with_('tk_shop'));
  const { text } = await client.ask('/metrics', undefined, with_('tk_shop'));
  const counts = Object.fromEntries(
    [...text.matchAll(/^tributary_refusals_total\{code="(\w+)"\} (\d+)$/gm)].map(([, code, count]) => [
      code,
      Number(count),
    ]),
  );
  expect(counts).toEqual({ KEY_INVALID: 3, ROUTE_UNKNOWN: 2, BODY_NOT_JSON: 1 });
});
