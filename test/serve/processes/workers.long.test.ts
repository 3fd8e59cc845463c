import { cpSync, readdirSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Command, signal, startCommand, until, workersOf } from '../command.ts';
import { artifact, REQUEST, temporaryFolder } from '../support.ts';

/** Answer of a worker: `model` and the items, or the status. */
async function answerOf(service: Command): Promise<{ model: string; items: string }> {
  const { status, text } = await service.ask('/v1/rank', REQUEST);
  if (status !== 200) return { model: String(status), items: text };
  const { model, items } = JSON.parse(text);
  return { model, items: JSON.stringify(items) };
}

const answers = (service: Command, count = 16) =>
  Promise.all(Array.from({ length: count }, () => answerOf(service).catch(() => undefined)));

test('a new worker has the artifacts of before, current and previous, whatever lies in their folders by now', async () => {
  const cacheFolder = temporaryFolder();
  const [first, second, stranger] = [1, 2, 3].map((seed) => artifact({ seed }));
  const [a, b] = [first, second].map(({ manifest }) => `test-model@${manifest.id}`);
  const service = await startCommand(first.folder, 2, { cacheFolder, log: { level: 'info' } });
  const itemsOf = new Map([[a, (await answerOf(service)).items]]);
  expect((await service.ask('/admin/models/test-model/load', { path: second.folder })).status).toBe(200);
  itemsOf.set(b, (await answerOf(service)).items);
  // The current one gives way to another artifact, the previous one is deleted.
  cpSync(stranger.folder, second.folder, { recursive: true });
  rmSync(first.folder, { recursive: true });
  const before = workersOf(service.child);
  for (const pid of before) {
    signal(pid, 'SIGKILL');
    await until(() => workersOf(service.child).length === 2 && !workersOf(service.child).includes(pid));
  }
  const ready = async () => (await answers(service)).every((answer) => answer !== undefined);
  await until(ready);
  for (const answer of await answers(service)) expect(answer).toEqual({ model: b, items: itemsOf.get(b) });
  const rollback = await service.ask('/admin/models/test-model/rollback', {});
  expect([rollback.status, JSON.parse(rollback.text).model.current.id]).toEqual([200, first.manifest.id]);
  for (const answer of await answers(service)) expect(answer).toEqual({ model: a, items: itemsOf.get(a) });
  const metrics = (await service.ask('/metrics')).text;
  expect(metrics).toMatch(/^tributary_worker_ends_total\{how="SIGKILL"\} 2$/m);
  // Killed processes take their counts with them, but for what was read before; sums never fall.
  expect(service.log()).toMatch(/"msg":"worker \d+ ended \(SIGKILL\); another one starts/);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(readdirSync(cacheFolder)).toEqual([]);
});

test('a worker that hangs is found and replaced; numbers, loads and the end do not wait for it', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const service = await startCommand(first.folder, 2, { hangSeconds: 1.5, drainSeconds: 3 });
  const [hung] = workersOf(service.child);
  signal(hung, 'SIGSTOP');
  const start = performance.now();
  // Connections are accepted by the other one.
  const metrics = await service.ask('/metrics');
  expect(metrics.status).toBe(200);
  expect((await service.ask('/admin/models/test-model/load', { path: second.folder })).status).toBe(200);
  await until(() => !workersOf(service.child).includes(hung));
  expect(performance.now() - start).toBeLessThan(15_000);
  await until(async () => workersOf(service.child).length === 2);
  await until(async () => /^tributary_processes 2$/m.test((await service.ask('/metrics')).text));
  expect((await service.ask('/metrics')).text).toMatch(/^tributary_worker_ends_total\{how="killed"\} 1$/m);
  for (const answer of await answers(service)) expect(answer?.model).toBe(`test-model@${second.manifest.id}`);

  // All hang at once: they are replaced, and the port is the same.
  for (const pid of workersOf(service.child)) signal(pid, 'SIGSTOP');
  await until(async () => (await Promise.race([answerOf(service).catch(() => undefined), pause(1000)])) !== undefined);
  await until(() => workersOf(service.child).length === 2);

  const [again] = workersOf(service.child);
  signal(again, 'SIGSTOP');
  const asked = performance.now();
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(performance.now() - asked).toBeLessThan(3500);
});

const pause = (ms: number): Promise<undefined> => new Promise((done) => setTimeout(() => done(undefined), ms));

test('what a killed service left is removed by the next start', async () => {
  const cacheFolder = temporaryFolder();
  const { folder } = artifact();
  for (const workers of [1, 2]) {
    const killed = await startCommand(folder, workers, { cacheFolder });
    const [left, ...more] = readdirSync(cacheFolder);
    expect(more).toEqual([]);
    const workerPids = workersOf(killed.child);
    killed.child.kill('SIGKILL');
    await killed.ended;
    await until(() => workerPids.every((pid) => !isAlive(pid)));
    expect(readdirSync(cacheFolder)).toEqual([left]);
    const next = await startCommand(folder, workers, { cacheFolder });
    expect(readdirSync(cacheFolder)).toHaveLength(1);
    expect(readdirSync(cacheFolder)).not.toContain(left);
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
    expect(readdirSync(cacheFolder)).toEqual([]);
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
