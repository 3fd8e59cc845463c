/** `experiment ramp` as a command that is killed at any moment: what it did and what it wrote must end as if nothing had happened. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { readRamp } from '../../src/experiment/ramp/ramp.ts';
import { servedExperiments } from '../../src/experiment/ramp/service.ts';
import { ADMIN_KEY, artifact, serving, temporaryFolder } from '../serve/support.ts';
import { configured, type Planted, plantedEvents, START, writeLog } from './logs.ts';

const HOUR = 3_600_000;
const ramp = { steps: [0.3, 0.6, 1], hold: '24h', units: 200 };
const input = {
  key: 'flows',
  unit: 'user',
  arms: { control: {}, treatment: { score: 'click' } },
  metrics: { success: ['click'] },
  ramp,
};

/** Passes requests on. Before a PUT, and when it is answered but the answer is not passed on yet, `onPut` may act. */
async function gateway(target: string, onPut: (moment: 'asked' | 'done') => boolean): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const isPut = request.method === 'PUT';
    if (isPut && onPut('asked')) return void response.destroy();
    const { authorization = '' } = request.headers;
    const headers = { authorization, ...(isPut && { 'content-type': 'application/json' }) };
    const answer = await fetch(target + request.url, { method: request.method, headers, ...(isPut && { body }) });
    const text = await answer.text();
    if (isPut && onPut('done')) return void response.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** A service, a log, and the command; `kill` ends the running one. */
async function ramping(log: string) {
  const client = await serving([artifact().folder], { experiments: [input] });
  const folder = join(temporaryFolder(), 'ramp');
  let child: ChildProcess | undefined;
  let moment: 'asked' | 'done' | undefined;
  const url = await gateway(client.address, (now) => {
    if (moment !== now) return false;
    moment = undefined;
    child?.kill('SIGKILL');
    return true;
  });
  const words = ['--url', url, '--admin-key', 'env:RAMP_ADMIN', '--key', 'flows', '--folder', folder];
  /** Killed after so many milliseconds, or at a moment of a change, or not at all. Gives whether it was killed, and how long it ran. */
  const run = async (now: number, at?: number | 'asked' | 'done') => {
    const began = performance.now();
    child = spawn(
      process.execPath,
      [resolve('bin/tributary.js'), 'experiment', 'ramp', log, ...words, '--now', new Date(now).toISOString()],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, RAMP_ADMIN: ADMIN_KEY } },
    );
    moment = typeof at === 'string' ? at : undefined;
    const timer = typeof at === 'number' ? setTimeout(() => child?.kill('SIGKILL'), at) : undefined;
    const [code] = await once(child, 'close');
    clearTimeout(timer);
    moment = undefined;
    return { isKilled: code === null, ms: performance.now() - began };
  };
  const end = async () => {
    const { revision, experiments } = await servedExperiments({ url: client.address, key: ADMIN_KEY });
    return { records: readRamp(folder)?.records, coverage: experiments[0].coverage, revision };
  };
  return { run, end, pending: () => readRamp(folder)?.pending };
}

test.each<[string, Partial<Planted>, number[], number[]]>([
  ['works through its steps', {}, [0, 25, 50, 80], [0.3, 0.6, 1]],
  ['is rolled back', { click: (arm) => (arm === 'treatment' ? 0.12 : 0.2) }, [0], [0.3, 0]],
])('killed at any moment, a ramp that %s ends in the same state', async (name, planted, hours, coverages) => {
  const config = { ...configured(input), coverage: 1 };
  const events = plantedEvents({ units: 1000, days: 1, ...planted, config });
  const log = writeLog(join(temporaryFolder(), 'log'), events);
  const looks = hours.map((hour) => START + hour * HOUR);
  const calm = await ramping(log);
  let shortest = Number.POSITIVE_INFINITY;
  for (const now of looks) shortest = Math.min(shortest, (await calm.run(now)).ms);
  const expected = await calm.end();
  expect(expected.records?.map(({ coverage }) => coverage)).toEqual(coverages);

  const killed = await ramping(log);
  const generator = random('kills', name);
  let kills = 0;
  for (const [k, now] of looks.entries()) {
    const changes = k > 0 || name === 'is rolled back';
    for (const at of changes ? (['asked', 'done'] as const) : []) {
      const { isKilled } = await killed.run(now, at);
      if (!isKilled) continue;
      kills++;
      // The intent was written, and what was carried out is not recorded yet.
      expect(killed.pending()).toBeDefined();
    }
    for (let i = 0; i < 3; i++) if ((await killed.run(now, generator.uniform() * shortest)).isKilled) kills++;
    expect((await killed.run(now)).isKilled).toBe(false);
  }
  console.log(`${kills} kills, looks of at least ${Math.round(shortest)} ms`);
  expect(kills).toBeGreaterThanOrEqual(name === 'is rolled back' ? 2 : 5);
  expect(await killed.end()).toEqual(expected);
});
