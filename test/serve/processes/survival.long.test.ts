/** A service under everything at once: too many requests, changes of models, workers that die and hang, folders that change. */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ServingInput } from '../../../src/config/serving.ts';
import { type Command, signal, startCommand, until, workersOf } from '../command.ts';
import { ADMIN_KEY, artifact, temporaryFolder } from '../support.ts';

const ITEMS = Array.from({ length: 100 }, (_, id) => ({ id, item: id % 60 }));
const REQUEST = { scenario: 'home', user: { user: 'u1', city: 'Lyon' }, items: ITEMS };

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

interface Tally {
  /** By status and code, or why there was none. */
  answers: Map<string, number>;
  /** By model: different lists of probabilities; one of them is right. */
  items: Map<string, Set<string>>;
  /** Longest time without a good answer, milliseconds. */
  gap: number;
}

/** Asks by so many connections at once until it is stopped. */
function ask(service: Command, connections: number): { tally: Tally; stop: () => Promise<void> } {
  const tally: Tally = { answers: new Map(), items: new Map(), gap: 0 };
  let isOver = false;
  let lastGood = performance.now();
  const count = (what: string): void => void tally.answers.set(what, (tally.answers.get(what) ?? 0) + 1);
  const headers = { 'content-type': 'application/json' };
  const loop = async (): Promise<void> => {
    while (!isOver) {
      try {
        const response = await fetch(`${service.address}/v1/rank`, {
          method: 'POST',
          headers,
          body: JSON.stringify(REQUEST),
          signal: AbortSignal.timeout(20_000),
        });
        // biome-ignore lint/suspicious/noExplicitAny: answers are looked at by tests
        const body: any = await response.json();
        if (response.status !== 200) {
          count(`${response.status} ${body.error.code}`);
          await pause(5);
          continue;
        }
        count('200');
        tally.gap = Math.max(tally.gap, performance.now() - lastGood);
        lastGood = performance.now();
        const known = tally.items.get(body.model) ?? new Set();
        known.add(JSON.stringify(body.items));
        tally.items.set(body.model, known);
      } catch (cause) {
        count((cause as Error).name === 'TimeoutError' ? 'no answer' : 'broken');
        await pause(20);
      }
    }
  };
  const loops = Promise.all(Array.from({ length: connections }, loop));
  return {
    tally,
    async stop() {
      isOver = true;
      await loops;
    },
  };
}

async function admin(service: Command, path: string, body: object): Promise<{ status: number; code?: string }> {
  const response = await fetch(`${service.address}/admin/models/test-model/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return { status: response.status, code: error?.code };
}

/** What an artifact answers by itself. */
async function answerOf(folder: string): Promise<string> {
  const service = await startCommand(folder);
  const { text } = await service.ask('/v1/rank', REQUEST);
  service.child.kill('SIGTERM');
  await service.ended;
  return JSON.stringify(JSON.parse(text).items);
}

/** Every model has answered alike, and as it does alone. */
function expectUnmixed({ items }: Tally, expected: ReadonlyMap<string, string>): void {
  for (const [model, found] of items) expect([model, [...found]]).toEqual([model, [expected.get(model)]]);
}

/** Megabytes of a command and its workers; pages that they share count once. */
function megabytes(service: Command): number {
  const pss = (pid: number): number =>
    Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1024;
  return [service.child.pid as number, ...workersOf(service.child)].reduce((sum, pid) => sum + pss(pid), 0);
}

async function prepared(seeds: readonly number[]) {
  const all = seeds.map((seed) => artifact({ seed, selected: seed % 2 === 0 }));
  const expected = new Map<string, string>();
  for (const { folder, manifest } of all) expected.set(`test-model@${manifest.id}`, await answerOf(folder));
  return { all, expected };
}

test.each([1, 2])('%i process(es): 100 loads while the queue is full', async (workers) => {
  const { all, expected } = await prepared([1, 2, 3]);
  const bad = artifact({ seed: 4 }).folder;
  truncateSync(join(bad, 'embedding.bin'), 10);
  const settings: ServingInput = { limits: { waitingRows: 800 } };
  const service = await startCommand(all[0].folder, workers, settings);
  const { tally, stop } = ask(service, 48);
  await pause(1000);
  const times: number[] = [];
  for (let i = 1; i <= 100; i++) {
    const start = performance.now();
    expect([i, await admin(service, 'load', { path: all[i % 3].folder })]).toEqual([i, { status: 200 }]);
    times.push(performance.now() - start);
    if (i % 10 === 0)
      expect(await admin(service, 'load', { path: bad })).toEqual({ status: 422, code: 'ARTIFACT_FILE_SIZE' });
    if (i % 25 === 0) expect((await admin(service, 'rollback', {})).status).toBe(200);
  }
  await stop();
  times.sort((a, b) => a - b);
  console.log(
    JSON.stringify({
      workers,
      ...Object.fromEntries(tally.answers),
      loadMs: { median: Math.round(times[50]), most: Math.round(times[99]) },
      gapMs: Math.round(tally.gap),
    }),
  );
  expect([...tally.answers.keys()].filter((what) => !['200', '503 SERVER_BUSY'].includes(what))).toEqual([]);
  expect(tally.answers.get('503 SERVER_BUSY')).toBeGreaterThan(100);
  expectUnmixed(tally, expected);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
});

test('50 kills and 10 hangs of workers while folders are deleted and replaced: nothing mixed, nothing lost', async () => {
  const { all, expected } = await prepared([1, 2, 3]);
  const cacheFolder = temporaryFolder();
  const place = join(temporaryFolder(), 'artifact');
  const put = (i: number): void => {
    rmSync(place, { recursive: true, force: true });
    cpSync(all[i % 3].folder, place, { recursive: true });
  };
  put(0);
  const service = await startCommand(place, 2, { cacheFolder, hangSeconds: 3, log: { level: 'info' } });
  const { tally, stop } = ask(service, 8);
  await pause(3000);
  const before = megabytes(service);
  const isWhole = (): Promise<boolean> =>
    service.ask('/metrics').then(
      ({ text }) => /^tributary_processes 2$/m.test(text),
      () => false,
    );
  // A worker that is stopped while it starts is given up after 30 s, and the next one may wait for 30 s more.
  const untilWhole = (): Promise<void> => until(isWhole, 180, () => service.log().slice(-6000));
  let chosen = 0;
  const changes = new Map<string, number>();
  const note = (what: string): void => void changes.set(what, (changes.get(what) ?? 0) + 1);
  for (let i = 0; i < 60; i++) {
    const workers = workersOf(service.child);
    const pid = workers[chosen++ % Math.max(workers.length, 1)];
    const isHang = i % 6 === 5;
    if (pid !== undefined) signal(pid, isHang ? 'SIGSTOP' : 'SIGKILL');
    // What lies at the path is another artifact each time, or part of one, or nothing.
    put(i + 1);
    if (i % 4 === 1) rmSync(place, { recursive: true });
    if (i % 4 === 2)
      for (const name of readdirSync(place)) if (name.endsWith('.bin')) truncateSync(join(place, name), 7);
    if (i % 3 === 0) {
      const { status, code = 'OK' } = await admin(service, 'load', { path: all[i % 3].folder }).catch(() => ({
        status: 0,
        code: 'broken',
      }));
      note(`load ${status} ${code}`);
    }
    if (i % 15 === 7) {
      const { status, code = 'OK' } = await admin(service, 'rollback', {}).catch(() => ({ status: 0, code: 'broken' }));
      note(`rollback ${status} ${code}`);
    }
    // Some come one upon the other, so that nobody is left to answer.
    if (i % 5 !== 0) await untilWhole();
    else await pause(isHang ? 1000 : 200 + 150 * (i % 7));
  }
  await untilWhole();
  await pause(5000);
  await stop();
  const after = megabytes(service);
  const metrics = (await service.ask('/metrics')).text;
  console.log(
    JSON.stringify({
      ...Object.fromEntries(tally.answers),
      ...Object.fromEntries(changes),
      ends: metrics.match(/^tributary_worker_ends_total.*$/gm),
      notStarted: service.log().match(/a worker could not start: [^"]*/g),
      gapMs: Math.round(tally.gap),
      megabytes: { before: Math.round(before), after: Math.round(after) },
      copies: readdirSync(join(cacheFolder, readdirSync(cacheFolder)[0])),
    }),
  );
  expectUnmixed(tally, expected);
  expect([...tally.answers.keys()].filter((what) => !['200', 'broken', 'no answer'].includes(what))).toEqual([]);
  expect(tally.gap).toBeLessThan(20_000);
  expect(after).toBeLessThan(before * 1.15);
  const copies = readdirSync(join(cacheFolder, readdirSync(cacheFolder)[0])).filter((name) =>
    /^[0-9a-f]{12}-/.test(name),
  );
  expect(copies.length).toBeLessThanOrEqual(2);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  expect(readdirSync(cacheFolder)).toEqual([]);
});
