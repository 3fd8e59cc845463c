/** Experiments over several processes: changes under load, a worker that dies, an arm that fails, a restart. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ServingInput } from '../../../src/config/serving.ts';
import { type Command, startCommand, until, workersOf } from '../command.ts';
import { ADMIN_KEY, artifact, temporaryFolder } from '../support.ts';
import { armOf, type ExperimentInput, request } from './support.ts';

const users = Array.from({ length: 60 }, (_, i) => `u${i}`);

async function put(
  service: Pick<Command, 'address'>,
  path: string,
  body: object,
): Promise<{ status: number; revision?: number }> {
  for (;;) {
    const response = await fetch(service.address + path, {
      method: 'PUT',
      headers: { connection: 'close', authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { revision?: number; error?: { code: string } };
    if (answer.error?.code !== 'SWAP_RUNNING') return { status: response.status, revision: answer.revision };
  }
}

interface Seen {
  /** Arms that a user had in a scenario, in the order of the answers to one client. */
  arms: Map<string, string[]>;
  /** By status and by the code of an arm that failed; `broken`: connections of a killed process. */
  outcomes: Map<string, number>;
}

/** One client after another asks for every user, until the load ends. */
function load(service: Command, scenarios: string[], clients: number) {
  const seen: Seen = { arms: new Map(), outcomes: new Map() };
  const count = (what: string): void => void seen.outcomes.set(what, (seen.outcomes.get(what) ?? 0) + 1);
  let isOver = false;
  const ask = async (user: string, scenario: string, client: number): Promise<void> => {
    const answer = await service.ask('/v1/rank', request(user, { scenario })).catch(() => undefined);
    if (answer === undefined) return count('broken');
    const { experiments = [] } = JSON.parse(answer.text);
    count(`${answer.status}${experiments[0]?.failed ? ` ${experiments[0].failed}` : ''}`);
    const where = `${client} ${scenario} ${user}`;
    seen.arms.set(where, [...(seen.arms.get(where) ?? []), experiments[0]?.arm ?? 'none']);
  };
  const ended = Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = client; !isOver; i++) await ask(users[i % users.length], scenarios[i % scenarios.length], client);
    }),
  );
  return {
    seen,
    async stop() {
      isOver = true;
      await ended;
    },
  };
}

test('under load nobody changes arm and no request fails, whatever is changed or killed; a restart goes on', async () => {
  const [base, late] = [artifact(), artifact({ seed: 2 })];
  const scores: ExperimentInput = {
    key: 'scores',
    unit: 'user',
    scenarios: ['home'],
    coverage: 0.3,
    arms: { control: {}, treatment: { score: 'click' } },
  };
  const broken: ExperimentInput = {
    key: 'broken',
    unit: 'user',
    scenarios: ['search'],
    arms: { control: {}, treatment: { score: 'log(0 * click)' } },
  };
  const config: ServingInput = {
    log: { level: 'warn' },
    experimentsFile: join(temporaryFolder(), 'experiments.json'),
    events: { folder: join(temporaryFolder(), 'events'), unit: 'user' },
    experiments: [scores, broken],
  };
  const service = await startCommand(base.folder, 2, config);
  const { seen, stop } = load(service, ['home', 'search'], 4);
  await until(() => (seen.outcomes.get('200') ?? 0) > 100);

  for (const [step, coverage] of [0.5, 0.7].entries())
    expect(
      await put(service, '/admin/experiments/scores', { revision: step + 1, experiment: { ...scores, coverage } }),
    ).toEqual({ status: 200, revision: step + 2 });
  const [killed] = workersOf(service.child);
  process.kill(killed, 'SIGKILL');
  expect((await service.ask('/admin/models/late/load', { path: late.folder })).status).toBe(200);
  const models: ExperimentInput = {
    key: 'models',
    unit: 'user',
    scenarios: ['detail "x"'],
    arms: { control: {}, treatment: { model: `late@${late.manifest.id}` } },
  };
  expect((await put(service, '/admin/experiments/models', { experiment: models })).status).toBe(200);
  expect((await put(service, '/admin/experiments/scores', { experiment: { ...scores, coverage: 1 } })).revision).toBe(
    5,
  );
  await until(() => workersOf(service.child).length === 2 && !workersOf(service.child).includes(killed));
  await until(async () => /^tributary_processes 2$/m.test((await service.ask('/metrics')).text));
  const before = seen.outcomes.get('200') ?? 0;
  await until(() => (seen.outcomes.get('200') ?? 0) > before + 100);
  await stop();

  expect([...seen.outcomes.keys()].filter((what) => what !== 'broken').sort()).toEqual(['200', '200 SCORE_UNDEFINED']);
  expect(seen.outcomes.get('broken') ?? 0).toBeLessThanOrEqual(4); // open on the killed process
  for (const [where, arms] of seen.arms) {
    const [, scenario, user] = where.split(' ');
    const own = ['control', 'treatment'][armOf(scenario === 'home' ? 'scores' : 'broken', user) as number];
    // Units join as coverage grows; one process may know that some milliseconds before the other.
    expect([own, ...(scenario === 'home' ? ['none'] : [])], where).toEqual(expect.arrayContaining(arms));
  }
  for (const user of users) {
    const { text } = await service.ask('/v1/rank', request(user));
    expect(JSON.parse(text).experiments[0].arm).toBe(['control', 'treatment'][armOf('scores', user) as number]);
  }
  const metrics = (await service.ask('/metrics')).text;
  expect(metrics).toMatch(
    /tributary_experiment_failures_total\{experiment="broken",arm="treatment",code="SCORE_UNDEFINED"\} \d+/,
  );
  expect(metrics).toContain('tributary_experiments_revision 5');
  expect(service.log()).toContain(
    `experiment broken, arm treatment: test-model@${base.manifest.id} fails with SCORE_UNDEFINED; the control answers`,
  );
  const revisions = await Promise.all(Array.from({ length: 20 }, () => service.ask('/admin/experiments')));
  expect(new Set(revisions.map(({ text }) => JSON.parse(text).revision))).toEqual(new Set([5]));

  service.child.kill('SIGTERM');
  await service.ended;
  const again = await startCommand(base.folder, 2, config);
  for (const user of users.slice(0, 20)) {
    const { text } = await again.ask('/v1/rank', request(user, { scenario: 'detail "x"' }));
    const { model, experiments } = JSON.parse(text);
    const arm = armOf('models', user) as number;
    expect([model, experiments[0].arm]).toEqual([
      [`test-model@${base.manifest.id}`, `late@${late.manifest.id}`][arm],
      ['control', 'treatment'][arm],
    ]);
  }
  again.child.kill('SIGTERM');
  await again.ended;
});

test('a change while the service is starting reaches every process, and is kept', async () => {
  const experimentsFile = join(temporaryFolder(), 'experiments.json');
  const scores: ExperimentInput = { key: 'scores', unit: 'user', arms: { control: {}, treatment: { score: 'click' } } };
  const port = await freePort();
  const config: ServingInput = { experimentsFile, experiments: [{ ...scores, coverage: 0.001 }] };
  const starting = startCommand(artifact().folder, 4, config, { port });
  // One change, as soon as any process answers: the others are still starting.
  const change = { experiment: { ...scores, coverage: 0.5 } };
  let revision: number | undefined;
  for (let tried = 0; revision === undefined && tried < 10_000; tried++) {
    const answer = await put({ address: `http://127.0.0.1:${port}` }, '/admin/experiments/scores', change).catch(
      () => undefined,
    );
    revision = answer?.revision;
    if (revision === undefined) await new Promise((done) => setTimeout(done, 3));
  }
  const service = await starting;
  await until(async () => /^tributary_processes 4$/m.test((await service.ask('/metrics')).text));
  const seen = await Promise.all(Array.from({ length: 40 }, () => service.ask('/admin/experiments')));
  expect([revision, ...new Set(seen.map(({ text }) => JSON.parse(text).revision))]).toEqual([2, 2]);
  expect(JSON.parse(readFileSync(experimentsFile, 'utf8'))).toMatchObject({
    revision: 2,
    experiments: [{ coverage: 0.5 }],
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
