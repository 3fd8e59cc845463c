import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serving } from '../serve/support.ts';
import { temporaryFolder } from '../train/support.ts';
import { exportFault } from './served.ts';

const { path: folder, remove } = temporaryFolder();
let artifact: string;

beforeAll(async () => {
  artifact = await exportFault('23-gzip-request', folder, { maxEpochs: 1 });
});
afterAll(remove);

test('a body with Content-Encoding: gzip is answered as the same body without', async () => {
  const { address } = await serving([artifact]);
  const text = '{"scenario":"search","items":[{"id":1,"item":5}]}';
  const ask = async (body: string | Uint8Array, headers: Record<string, string>) => {
    const type = { 'content-type': 'application/json' };
    const response = await fetch(`${address}/v1/rank`, { method: 'POST', headers: { ...type, ...headers }, body });
    return { status: response.status, items: ((await response.json()) as { items: unknown }).items };
  };
  const plain = await ask(text, {});
  expect(plain.status).toBe(200);
  expect(await ask(gzipSync(text), { 'content-encoding': 'gzip' })).toEqual(plain);
});
