/** What strangers can make a service write. */
import { expect, test } from 'vitest';
import { startCommand } from '../command.ts';
import { artifact, hashed } from '../support.ts';

const REFUSALS = 1200;

test('thousands of requests without a key are a few lines in the log, and counted', async () => {
  const keys = [hashed('shop', 'tk_shop')];
  const { address, child } = await startCommand(artifact().folder, 1, { keys, log: { level: 'info' } });
  let log = '';
  child.stderr?.on('data', (data) => {
    log += data;
  });
  const before = performance.now();
  const headers = { 'x-request-id': 'r'.repeat(128), 'content-type': 'application/json' };
  const ask = async (i: number): Promise<void> => {
    const path = ['/v1/rank', `/${'n'.repeat(8000)}${i}`, '/metrics'][i % 3];
    const response = await fetch(address + path, i % 3 === 0 ? { method: 'POST', headers, body: '{}' } : { headers });
    expect(response.status).toBe(401);
    await response.arrayBuffer();
  };
  for (let i = 0; i < REFUSALS; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => ask(i + k)));
  await new Promise((done) => setTimeout(done, 1500));
  const seconds = (performance.now() - before) / 1000;
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const refused = lines.filter(({ code }) => code === 'KEY_INVALID');
  const leftOut = refused.reduce((sum, { left_out = 0 }) => sum + left_out, 0);
  const written = refused.filter(({ left_out }) => left_out === undefined);
  expect(written.length + leftOut).toBe(REFUSALS);
  expect(refused.length).toBeLessThan((seconds + 1) * 11);
  expect(Math.max(...log.split('\n').map((line) => line.length))).toBeLessThan(600);
  const metrics = await (await fetch(`${address}/metrics`, { headers: { 'x-api-key': 'tk_shop' } })).text();
  expect(metrics).toContain(`tributary_refusals_total{code="KEY_INVALID"} ${REFUSALS}`);
});
