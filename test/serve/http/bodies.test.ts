import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { artifact, type Client, REQUEST, serving } from '../support.ts';

const LIMIT = 200_000;

async function send(client: Client, body: Uint8Array | string, encoding?: string) {
  const headers = {
    'content-type': 'application/json',
    ...(encoding !== undefined && { 'content-encoding': encoding }),
  };
  const response = await fetch(`${client.address}/v1/rank`, { method: 'POST', headers, body });
  const answer = (await response.json()) as { error?: { code: string; message: string }; items?: unknown[] };
  return {
    status: response.status,
    code: answer.error?.code,
    message: answer.error?.message,
    headers: response.headers,
  };
}

test('packed bodies are unpacked', async () => {
  const client = await serving([artifact().folder]);
  const text = JSON.stringify(REQUEST);
  const cases: [string, Uint8Array][] = [
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
  ];
  for (const [encoding, body] of cases)
    expect([encoding, (await send(client, body, encoding)).status]).toEqual([encoding, 200]);
});

test('a packed body is unpacked as far as the limit, damaged ones and other encodings are refused', async () => {
  const client = await serving([artifact().folder], { limits: { bodyBytes: LIMIT } });
  const code = async (body: Uint8Array, encoding: string) => (await send(client, body, encoding)).code;
  const text = JSON.stringify(REQUEST);
  const fits = gzipSync(text + ' '.repeat(LIMIT - text.length));
  expect((await send(client, fits, 'gzip')).status).toBe(200);
  expect(await code(gzipSync(text + ' '.repeat(LIMIT - text.length + 1)), 'gzip')).toBe('BODY_TOO_LARGE');
  const bomb = Buffer.alloc(100_000_000, 32);
  for (const [encoding, body] of [
    ['gzip', gzipSync(bomb)],
    ['deflate', deflateSync(bomb)],
    ['br', brotliCompressSync(bomb)],
  ] as const)
    expect([encoding, await code(body, encoding)]).toEqual([encoding, 'BODY_TOO_LARGE']);
  const packed = gzipSync(text);
  expect(await code(packed.subarray(0, -5), 'gzip')).toBe('BODY_PACKED');
  expect(await code(Buffer.from(text), 'gzip')).toBe('BODY_PACKED');
  expect(await code(packed, 'br')).toBe('BODY_PACKED');
  expect(await code(packed, 'deflate')).toBe('BODY_PACKED');
  expect(await code(gzipSync('{"scenario":'), 'gzip')).toBe('BODY_NOT_JSON');
  expect(await code(gzipSync(gzipSync(text)), 'gzip, gzip')).toBe('BODY_ENCODING');
  const refused = await send(client, packed, 'zstd');
  expect([refused.status, refused.code]).toEqual([415, 'BODY_ENCODING']);
  expect(refused.message).toContain('"zstd"');
  expect(refused.headers.get('accept-encoding')).toBe('gzip, deflate, br');
});

test('a body whose bytes are not UTF-8 is refused, not answered under other names', async () => {
  const client = await serving([artifact().folder]);
  const body = Buffer.from('{"scenario":"home","items":[{"id":"caf\u00e9"}]}', 'latin1');
  expect((await send(client, body)).code).toBe('BODY_NOT_JSON');
  expect((await send(client, Buffer.from(body.toString('latin1')))).status).toBe(200);
});

test('a body with too many values or names of properties is refused before it is parsed', async () => {
  const client = await serving([artifact().folder], { limits: { values: 50_000 } });
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, 1]));
  const values = { ...REQUEST, context: { user: Array.from({ length: 60_000 }, () => 1) } };
  const cases: [object, RegExp][] = [
    [values, /more than 50000 values \(limits\.values/],
    [{ ...REQUEST, context: fields(20_000) }, /more than \d+ different names/],
  ];
  for (const [body, message] of cases)
    expect(await send(client, JSON.stringify(body))).toMatchObject({
      status: 413,
      code: 'BODY_TOO_COMPLEX',
      message: expect.stringMatching(message),
    });
});
