/** Tables of features of a service with several processes: kills, and the process that reads them. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Command, signal, startCommand, until, workersOf } from '../command.ts';
import { temporaryFolder } from '../support.ts';
import { prepared, tablesAt, VERSIONS } from './example.ts';

const BODY = { scenario: 'home', user: { user: 'u1' }, items: [{ id: 2 }, { id: 9 }, { id: 'new' }] };

/** Files of both tables; `rows` more users make the table slow to read. */
function tableFiles(rows = 0) {
  const folder = temporaryFolder();
  const files = { users: join(folder, 'users.csv'), items: join(folder, 'items.csv') };
  const more = Array.from({ length: rows }, (_, i) => `more${i},${i % 90},city ${i}`);
  const write = (version: number): void => {
    const { users, items } = VERSIONS[version];
    for (const [name, lines] of [
      ['users', [...users, ...more]],
      ['items', items],
    ] as const) {
      writeFileSync(`${files[name]}.new`, lines.join('\n'));
      renameSync(`${files[name]}.new`, files[name]);
    }
  };
  write(0);
  return { files, write };
}

const isBuilder = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('builder.js');
  } catch {
    return false;
  }
};

const buildersOf = ({ child }: Command): number[] => workersOf(child).filter(isBuilder);
const answeringOf = ({ child }: Command): number[] => workersOf(child).filter((pid) => !isBuilder(pid));

/** The probabilities of a worker; undefined where the connection was cut. */
async function answerOf(service: Command): Promise<string | undefined> {
  const answer = await service.ask('/v1/score', BODY).catch(() => undefined);
  if (answer === undefined) return undefined;
  expect(answer.status, answer.text).toBe(200);
  return JSON.stringify(
    JSON.parse(answer.text).items.map(({ probabilities }: { probabilities: object }) => probabilities),
  );
}

const refresh = (service: Command) => service.ask('/admin/features/refresh', {});

/** What all processes answer. */
async function answers(service: Command): Promise<Set<string | undefined>> {
  return new Set(await Promise.all(Array.from({ length: 12 }, () => answerOf(service))));
}

test('both processes change tables, or neither, whoever is killed meanwhile', async () => {
  const { files, write } = tableFiles(60_000);
  const cacheFolder = temporaryFolder();
  const config = { cacheFolder, features: { tables: tablesAt(files) } };
  const service = await startCommand(prepared().folder, 2, config);
  const [first] = await answers(service);
  write(1);
  const { text } = await refresh(service);
  const [users] = JSON.parse(text).tables;
  expect(users).toMatchObject({ rows: 60_002, before: { rows: 60_005 } });
  expect(users.bytes).toBeGreaterThan(1e6);
  const [second, ...others] = await answers(service);
  expect(others).toEqual([]);
  expect(second).not.toBe(first);

  // The process that reads is killed.
  write(0);
  const killed = refresh(service);
  await until(() => buildersOf(service).length > 0);
  for (const pid of buildersOf(service)) signal(pid, 'SIGKILL');
  const refused = await killed;
  expect(JSON.parse(refused.text).error).toMatchObject({
    code: 'FEATURES_REFRESH',
    message: expect.stringContaining('the process that read them ended (SIGKILL)'),
  });
  expect([...(await answers(service))]).toEqual([second]);

  // A worker is killed while it loads them, under load: no request fails but those that it was answering.
  let isDone = false;
  const seen = new Set<string | undefined>();
  const load = (async () => {
    while (!isDone) seen.add(await answerOf(service));
  })();
  const [worker] = answeringOf(service);
  const changing = refresh(service).catch(() => undefined);
  await until(() => buildersOf(service).length > 0);
  await until(() => buildersOf(service).length === 0);
  signal(worker, 'SIGKILL');
  await changing;
  await until(() => answeringOf(service).length === 2 && !answeringOf(service).includes(worker));
  // Where the answer was lost with its worker, the tables are the new ones, or another refresh makes them so.
  await until(async () => (await refresh(service)).status === 200); // 409 while the first one goes on
  expect([...(await answers(service))]).toEqual([first]);
  isDone = true;
  await load;
  expect([...seen].filter((answer) => answer !== undefined && answer !== first && answer !== second)).toEqual([]);

  // Both processes hold them, once the new one answers.
  let metrics = '';
  await until(async () => {
    metrics = (await service.ask('/metrics')).text;
    const bytes = Number(/^tributary_feature_bytes\{table="users"\} (\d+)$/m.exec(metrics)?.[1]);
    return bytes > 2 * users.bytes * 0.99;
  });
  expect(metrics).toMatch(/^tributary_feature_refreshes_total\{outcome="failed"\} 1$/m);
  expect(metrics).toMatch(/^tributary_feature_rows\{table="users"\} 60005$/m);

  // A kill of the whole service while tables are read leaves no process, and the next service cleans up.
  write(1);
  void refresh(service).catch(() => {});
  await until(() => buildersOf(service).length > 0);
  const children = workersOf(service.child);
  signal(service.child.pid as number, 'SIGKILL');
  const isAlive = (pid: number): boolean => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  };
  await until(
    () => !children.some(isAlive),
    30,
    () => children.filter(isAlive).join(', '),
  );
  const next = await startCommand(prepared().folder, 1, config);
  expect([...(await answers(next))]).toEqual([second]);
  expect(readdirSync(cacheFolder).length).toBe(2); // of the artifacts and of the tables
  next.child.kill('SIGTERM');
  expect(await next.ended).toBe(0);
  expect(readdirSync(cacheFolder)).toEqual([]);
});
