import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { ADMIN_KEY, artifact, hashed, temporaryFolder } from './support.ts';

const REQUEST = {
  scenario: 'home',
  user: { user: 'u1' },
  items: [
    { id: 1, item: 2 },
    { id: 2, item: 9 },
  ],
};

interface Running {
  child: ChildProcess;
  address: string;
  /** Model that answered, or the status. */
  ask(): Promise<string>;
  admin(path: string, body: object): Promise<{ status: number; text: string }>;
  ended: Promise<number | null>;
  workers(): number[];
}

/** `tributary serve` as a user starts it. */
async function start(folder: string, workers: number): Promise<Running> {
  const config = join(temporaryFolder(), 'serving.json');
  writeFileSync(config, JSON.stringify({ adminKeys: [hashed('admin', ADMIN_KEY)], log: { level: 'error' } }));
  const words = ['serve', folder, '--port', '0', '--workers', String(workers), '--config', config, '--json'];
  const child = spawn(process.execPath, [resolve('bin/tributary.js'), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((done) => void child.once('exit', done));
  const address = await new Promise<string>((done, fail) => {
    createInterface(child.stdout).once('line', (line) => done(JSON.parse(line).address));
    void ended.then((code) => fail(new Error(`ended with code ${code}`)));
  });
  const post = (path: string, body: object, headers: object = {}) =>
    fetch(address + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: JSON.stringify(body),
    });
  return {
    child,
    address,
    ended,
    async ask() {
      const response = await post('/v1/rank', REQUEST);
      return response.ok ? ((await response.json()) as { model: string }).model : String(response.status);
    },
    async admin(path, body) {
      const response = await post(path, body, { authorization: `Bearer ${ADMIN_KEY}` });
      return { status: response.status, text: await response.text() };
    },
    workers: () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number),
  };
}

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('it never came to that');
};

test('one process: up, first answer, SIGTERM, done', async () => {
  const service = await start(artifact().folder, 1);
  expect(await service.ask()).toMatch(/^test-model@/);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
});

test('two processes: changes reach both, a killed one is replaced by one that knows them, service goes on', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const [a, b] = [first, second].map(({ manifest }) => `test-model@${manifest.id}`);
  const service = await start(first.folder, 2);
  const models = async (): Promise<Set<string>> => new Set(await Promise.all(Array.from({ length: 20 }, service.ask)));
  expect(await models()).toEqual(new Set([a]));

  // Under load: connections of a killed process break, all others are answered, and by one artifact or the other.
  let isOver = false;
  const found = new Map<string, number>();
  const count = (what: string): void => void found.set(what, (found.get(what) ?? 0) + 1);
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) await service.ask().then(count, () => count('broken'));
    }),
  );
  expect((await service.admin('/admin/models/test-model/load', { path: second.folder })).status).toBe(200);
  const [killed] = service.workers();
  process.kill(killed, 'SIGKILL');
  await until(() => service.workers().length === 2 && !service.workers().includes(killed));
  await until(async () => /^tributary_processes 2$/m.test(await (await fetch(`${service.address}/metrics`)).text()));
  isOver = true;
  await load;
  expect([...found.keys()].filter((what) => ![a, b, 'broken'].includes(what))).toEqual([]);
  expect(found.get('broken') ?? 0).toBeLessThanOrEqual(4); // those that were open on the killed one

  expect(await models()).toEqual(new Set([b]));
  const bad = await service.admin('/admin/models/test-model/load', { path: '/nowhere' });
  expect([bad.status, JSON.parse(bad.text).error.code]).toEqual([404, 'ARTIFACT_NOT_FOUND']);
  expect((await service.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
  expect(await models()).toEqual(new Set([a]));
  const text = await (await fetch(`${service.address}/metrics`)).text();
  expect(text).toMatch(/^tributary_processes 2$/m);

  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
});

test('a service that cannot start says why and ends', async () => {
  const child = spawn(
    process.execPath,
    [resolve('bin/tributary.js'), 'serve', '/nowhere', '--workers', '2', '--port', '0'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let err = '';
  child.stderr.on('data', (data) => {
    err += data;
  });
  expect(await new Promise((done) => void child.once('exit', done))).toBe(4);
  expect(err).toMatch(/^error ARTIFACT_NOT_FOUND: \/nowhere is not an artifact/m);
  expect(err).not.toMatch(/\n {4}at /);
});
