/** 200,000 requests of all kinds to one process: memory stays. */
import { Agent, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startCommand } from '../command.ts';
import { artifact, hashed } from '../support.ts';

const [WARM, ALL, CONNECTIONS] = [40_000, 200_000, 16];

interface Ask {
  path: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  /** Breaks the connection instead of waiting. */
  isCut?: boolean;
}

const items = (count: number, i: number) =>
  Array.from({ length: count }, (_, k) => ({ id: `item ${i} ${k}`, item: (i + k) % 70, tags: `t${k % 12}|new ${i}` }));
const ranking = (i: number, count: number, more: object = {}): string =>
  JSON.stringify({ scenario: 'home', user: { user: `user ${i}`, age: i % 90 }, items: items(count, i), ...more });
const tensors = (rows: number, i: number): string =>
  JSON.stringify({
    inputs: [
      { name: 'scenario', shape: [rows], datatype: 'BYTES', data: new Array(rows).fill('search') },
      { name: 'user', shape: [rows], datatype: 'BYTES', data: new Array(rows).fill(`user ${i}`) },
    ],
  });

/** What is asked as the i-th: nine in ten are answered. */
function asked(i: number): Ask {
  switch (i % 40) {
    case 0:
      return { path: '/v1/rank', body: ranking(i, 5, { explain: true }) };
    case 1:
      return { path: '/v2/models/test-model/infer', body: tensors(20, i) };
    case 2:
      return { path: '/v1/score', body: gzipSync(ranking(i, 30)), headers: { 'content-encoding': 'gzip' } };
    case 3:
      return { path: '/v1/rank', body: '{"scenario":' };
    case 4:
      return { path: '/v1/rank', body: ranking(i, 2, { [`unknown ${i}`]: 1 }) };
    case 5:
      return { path: `/unknown/${i}` };
    case 6:
      return { path: '/v1/rank', body: ranking(i, 2), headers: { 'x-api-key': `wrong ${i}` } };
    case 7:
      return { path: '/v1/rank', body: ranking(i, 20), isCut: true };
    case 8:
      return {
        path: '/v1/rank',
        body: ranking(i, 20),
        headers: { 'x-forwarded-for': `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` },
      };
    case 9:
      return i % 400 === 9
        ? { path: '/v1/rank', body: `{${Array.from({ length: 20_000 }, (_, k) => `"k${i} ${k}":1`)}}` }
        : { path: '/v2/health/ready' };
    default:
      return { path: '/v1/rank', body: ranking(i, 1 + (i % 50)) };
  }
}

test(`memory after ${ALL} requests is that after ${WARM}, within a tenth`, async () => {
  const keys = [hashed('shop', 'tk_shop')];
  const { address } = await startCommand(artifact().folder, 1, {
    keys,
    rateLimit: { requests: 1_000_000 },
    trustProxy: true,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const statuses: Record<string, number> = {};
  const ask = ({ path, body, headers, isCut }: Ask): Promise<void> =>
    new Promise((done) => {
      const all = { 'content-type': 'application/json', 'x-api-key': 'tk_shop', ...headers };
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(address + path, { agent, method, headers: { ...all, ...length } }, (response) => {
        statuses[response.statusCode ?? 0] = (statuses[response.statusCode ?? 0] ?? 0) + 1;
        response.resume().once('close', done);
      });
      sent.once('error', () => done());
      if (isCut) {
        sent.write('{');
        setImmediate(() => void sent.destroy());
      } else sent.end(body);
    });
  const memory = async (): Promise<number> => {
    const text = await (await fetch(`${address}/metrics`, { headers: { 'x-api-key': 'tk_shop' } })).text();
    return Number(/^process_resident_memory_bytes (.*)$/m.exec(text)?.[1]) / 2 ** 20;
  };
  let next = 0;
  const run = async (until: number): Promise<void> => {
    const loop = async (): Promise<void> => {
      while (next < until) await ask(asked(next++));
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, loop));
  };
  await run(WARM);
  const warm = await memory();
  await run(ALL);
  const end = await memory();
  agent.destroy();
  console.log(JSON.stringify({ warmMiB: Math.round(warm), endMiB: Math.round(end), statuses }));
  expect(Object.keys(statuses).sort()).toEqual(['200', '400', '401', '404', '413']);
  expect(end).toBeLessThan(1.1 * warm);
});
