import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type Command, startCommand, until, workersOf } from '../command.ts';
import { artifact, REQUEST } from '../support.ts';

/** Model that answered, or the status. */
async function modelOf(service: Command): Promise<string> {
  const { status, text } = await service.ask('/v1/rank', REQUEST);
  return status === 200 ? JSON.parse(text).model : String(status);
}

test('one process: up, first answer, SIGTERM, done', async () => {
  const service = await startCommand(artifact().folder);
  expect(await modelOf(service)).toMatch(/^test-model@/);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
});

test('two processes: changes reach both, a killed one is replaced by one that knows them, service goes on', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const [a, b] = [first, second].map(({ manifest }) => `test-model@${manifest.id}`);
  const service = await startCommand(first.folder, 2);
  const models = async (): Promise<Set<string>> =>
    new Set(await Promise.all(Array.from({ length: 20 }, () => modelOf(service))));
  expect(await models()).toEqual(new Set([a]));

  // Under load: connections of a killed process break, all others are answered, and by one artifact or the other.
  let isOver = false;
  const found = new Map<string, number>();
  const count = (what: string): void => void found.set(what, (found.get(what) ?? 0) + 1);
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) await modelOf(service).then(count, () => count('broken'));
    }),
  );
  expect((await service.ask('/admin/models/test-model/load', { path: second.folder })).status).toBe(200);
  const [killed] = workersOf(service.child);
  process.kill(killed, 'SIGKILL');
  await until(() => workersOf(service.child).length === 2 && !workersOf(service.child).includes(killed));
  await until(async () => /^tributary_processes 2$/m.test(await (await fetch(`${service.address}/metrics`)).text()));
  isOver = true;
  await load;
  expect([...found.keys()].filter((what) => ![a, b, 'broken'].includes(what))).toEqual([]);
  expect(found.get('broken') ?? 0).toBeLessThanOrEqual(4); // those that were open on the killed one

  expect(await models()).toEqual(new Set([b]));
  const bad = await service.ask('/admin/models/test-model/load', { path: '/nowhere' });
  expect([bad.status, JSON.parse(bad.text).error.code]).toEqual([404, 'ARTIFACT_NOT_FOUND']);
  expect((await service.ask('/admin/models/test-model/rollback', {})).status).toBe(200);
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
