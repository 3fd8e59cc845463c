/** /admin/experiments and /ofrep: changes, what they refuse, and what is kept. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OFREPApi } from '@openfeature/ofrep-core';
import { expect, onTestFinished, test } from 'vitest';
import { startService } from '../../../src/serve/processes/service.ts';
import { readSegments } from '../../events/read-segments.ts';
import { artifact, type Client, serving, temporaryFolder } from '../support.ts';
import { armOf, type ExperimentInput, pair, request } from './support.ts';

const scores = { control: {}, treatment: { score: 'click' } };
const experiment: ExperimentInput = { key: 'flows', unit: 'user', arms: scores };
const users = Array.from({ length: 30 }, (_, i) => `u${i}`);

const armsOf = async (client: Client): Promise<(string | undefined)[]> =>
  Promise.all(
    users.map(async (user) => (await client.ask('/v1/rank', request(user))).body.experiments?.[0].arm as string),
  );

test('a change of coverage adds units and moves none; with the wrong revision nothing changes', async () => {
  const client = await serving([artifact().folder], { experiments: [{ ...experiment, coverage: 0.3 }] });
  const { body: first } = await client.admin('/admin/experiments');
  expect(first).toMatchObject({ revision: 1, experiments: [{ key: 'flows', coverage: 0.3, hashVersion: 2 }] });
  expect(first.warnings).toEqual([
    'experimentsFile is not configured: changes are lost when the service ends',
    'events are not logged: no report can be made of these experiments',
  ]);
  const before = await armsOf(client);
  const wider = { ...first.experiments[0], coverage: 0.8 };
  const { status, body } = await client.put('/admin/experiments/flows', { revision: 1, experiment: wider });
  expect([status, body.revision, body.experiments[0].coverage]).toEqual([200, 2, 0.8]);
  const after = await armsOf(client);
  before.forEach((arm, i) => {
    if (arm !== undefined) expect(after[i]).toBe(arm);
  });
  expect(after.filter(Boolean).length).toBeGreaterThan(before.filter(Boolean).length);

  const late = await client.put('/admin/experiments/flows', { revision: 1, experiment: { ...wider, coverage: 1 } });
  expect([late.status, late.body.error.code]).toEqual([409, 'EXPERIMENTS_CHANGED']);
  expect(late.body.error.message).toContain('at revision 2, and the change was made for revision 1');
  expect((await client.admin('/admin/experiments')).body).toMatchObject({ revision: 2 });
  const ended = await client.put('/admin/experiments', { experiments: [] });
  expect(ended.body).toMatchObject({ revision: 3, experiments: [], warnings: [] });
  expect(await armsOf(client)).toEqual(users.map(() => undefined));
});

test('changes that move units need another bucketVersion', async () => {
  const client = await serving([artifact().folder], { experiments: [{ ...experiment, bucketVersion: 3 }] });
  const change = async (over: Partial<ExperimentInput>) => {
    const asked = { experiment: { ...experiment, bucketVersion: 3, ...over } };
    const { status, body } = await client.put('/admin/experiments/flows', asked);
    return status === 200 ? status : `${body.error.code} ${body.error.message}`;
  };
  const moves: [Partial<ExperimentInput>, string][] = [
    [{ weights: [0.4, 0.6] }, 'weights'],
    [{ seed: 'other' }, 'seed'],
    [{ hashVersion: 1 }, 'hashVersion'],
    [{ unit: 'city' }, 'unit'],
    [{ arms: { control: {}, treatment: { score: 'purchase' } } }, 'arms'],
    [{ arms: { treatment: { score: 'click' }, control: {} } }, 'arms'],
    [{ namespace: { name: 'n', range: [0, 0.5] } }, 'namespace'],
  ];
  for (const [over, what] of moves)
    expect(await change(over)).toContain(`EXPERIMENT_MOVES experiment flows: another ${what} would move units`);
  expect(await change({ bucketVersion: 2 })).toContain('EXPERIMENT_MOVES experiment flows is at bucketVersion 3');
  expect(await change({ metrics: { success: ['click'] }, scenarios: ['home'] })).toBe(200);
  expect(await change({ bucketVersion: 4, weights: [0.4, 0.6] })).toBe(200);
  // Ended and begun again, it has not forgotten.
  await client.put('/admin/experiments', { experiments: [] });
  expect(await change({ bucketVersion: 4 })).toContain('EXPERIMENT_MOVES');
});

test('what does not fit the models is refused: EXPERIMENT_MODEL, EXPERIMENT_SCENARIO, EXPERIMENT_UNIT, SCORE_INVALID, EXPERIMENTS_OVERLAP', async () => {
  const base = artifact();
  const small = artifact({
    name: 'small',
    score: { default: 'click', scenarios: {} },
    data: {
      scenarios: ['home'],
      tasks: ['click'],
      fields: [{ config: { name: 'user', kind: 'categorical' }, tokens: ['u1'] }],
    },
  });
  const client = await serving([base.folder, small.folder]);
  const codeOf = async (...experiments: ExperimentInput[]): Promise<string> => {
    const { status, body } = await client.put('/admin/experiments', { experiments });
    return status === 200 ? 'none' : `${status} ${body.error.code} ${body.error.message}`;
  };
  const withArm = (treatment: object, over: object = {}) => ({
    ...experiment,
    arms: { control: {}, treatment },
    ...over,
  });
  expect(await codeOf(withArm({ model: 'absent' }))).toContain(
    `422 EXPERIMENT_MODEL experiment flows, arm treatment: no model absent is served; there are test-model@${base.manifest.id}, small@`,
  );
  expect(await codeOf(withArm({ model: 'small' }))).toContain('EXPERIMENT_SCENARIO experiment flows: small@');
  expect(await codeOf(withArm({ model: 'small' }, { scenarios: ['home'] }))).toBe('none');
  expect(await codeOf(withArm({ model: 'small' }, { scenarios: ['home'], unit: 'city', key: 'x' }))).toContain(
    'EXPERIMENT_UNIT experiment x: requests to small@',
  );
  expect(await codeOf({ ...experiment, unit: 'visitor', key: 'v' })).toContain('EXPERIMENT_UNIT');
  expect(await codeOf(withArm({ score: 'clic' }, { key: 's' }))).toContain('SCORE_INVALID');
  expect(await codeOf(withArm({ score: 'click' }, { key: 'a' }), withArm({ score: 'click' }, { key: 'b' }))).toContain(
    'EXPERIMENTS_OVERLAP experiments a and b',
  );
  expect(await codeOf({ ...experiment, coverage: 2 })).toContain('REQUEST_INVALID');
  const other = await client.put('/admin/experiments/one', { experiment });
  expect(other.body.error.message).toContain('experiment.key: expected one');
  const anybody = await fetch(`${client.address}/admin/experiments`, { method: 'PUT' });
  expect(anybody.status).toBe(401);
  await expect(serving([base.folder], { experiments: [withArm({ model: 'absent' })] })).rejects.toThrow(
    'no model absent',
  );
});

test('a load that would drop an arm is refused: MODEL_IN_EXPERIMENT', async () => {
  const { folders, control, treatment } = pair();
  const third = artifact({ seed: 3 });
  const client = await serving(folders, {
    experiments: [{ ...experiment, arms: { control: { model: control }, treatment: { model: treatment } } }],
  });
  const warning = `units that take no part in flows are answered by ${treatment}, not by ${control}, the model of control`;
  const warnings = async () => (await client.admin('/admin/experiments')).body.warnings;
  expect(await warnings()).toContainEqual(expect.stringContaining(warning));
  const load = () => client.admin('/admin/models/test-model/load', { path: third.folder });
  const { status, body } = await load();
  expect([status, body.error.code]).toEqual([409, 'MODEL_IN_EXPERIMENT']);
  expect(body.error.message).toContain(
    `this would drop ${control}, which is kept for a rollback and is an arm of flows`,
  );
  expect((await client.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
  expect(await warnings()).not.toContainEqual(expect.stringContaining('units that take no part'));
  expect(new Set(await armsOf(client))).toEqual(new Set(['control', 'treatment']));
  await client.put('/admin/experiments', { experiments: [] });
  expect((await load()).status).toBe(200);
});

test('of three artifacts under one name the first is not served, which is said', async () => {
  const made = [1, 2, 3].map((seed) => artifact({ seed }));
  const said: string[] = [];
  const service = await startService({
    artifacts: made.map(({ folder }) => ({ path: folder })),
    config: { port: 0, ownThread: false, log: { level: 'silent' } },
    onEvent: ({ message }) => said.push(message),
  });
  onTestFinished(() => service.close());
  const [dropped, previous, current] = made.map(({ manifest }) => manifest.id);
  expect(said).toEqual([
    expect.stringContaining(`test-model@${dropped} is not served: a name has two artifacts at most`),
  ]);
  expect(service.models()).toMatchObject([{ current: { id: current }, previous: { id: previous } }]);
});

test('a load or a rollback that an arm could not live with is refused: EXPERIMENT_UNFIT', async () => {
  const base = artifact();
  const tasks = (names: string[], seed: number, scenarios = ['home', 'search', 'detail "x"']) =>
    artifact({
      seed,
      score: { default: names[0], scenarios: {} },
      data: { scenarios, tasks: names, fields: [{ config: { name: 'user', kind: 'categorical' }, tokens: ['u1'] }] },
    });
  const client = await serving([base.folder]);
  const load = async (folder: string, name = 'test-model', force = false) => {
    const { status, body } = await client.admin(`/admin/models/${name}/load`, { path: folder, force });
    return status === 200 ? 'loaded' : `${status} ${body.error.code} ${body.error.message}`;
  };
  const run = (arms: ExperimentInput['arms']) =>
    client.put('/admin/experiments', { experiments: [{ ...experiment, arms }] });
  const clicks = tasks(['click'], 5);
  await run({ control: {}, treatment: { score: 'purchase' } });
  for (const force of [false, true])
    expect(await load(clicks.folder, 'test-model', force)).toContain(
      `409 EXPERIMENT_UNFIT with test-model@${clicks.manifest.id} experiment flows could not go on: `,
    );
  expect((await client.admin('/admin/models')).body.models[0].current.id).toBe(base.manifest.id);
  expect(await load(clicks.folder, 'other')).toBe('loaded');
  expect(await load(tasks(['purchase'], 6).folder)).toBe('loaded');
  // The arm needs `purchase` at a rollback as well, and other scenarios or units are found too.
  await client.put('/admin/experiments', { experiments: [] });
  expect(await load(clicks.folder)).toBe('loaded');
  await client.put('/admin/experiments', { experiments: [{ ...experiment, key: 'clicks', arms: scores }] });
  const { status, body } = await client.admin('/admin/models/test-model/rollback', {});
  expect([status, body.error.code]).toEqual([409, 'EXPERIMENT_UNFIT']);
  expect(body.error.message).toContain('experiment clicks could not go on');
  await client.put('/admin/experiments', {
    experiments: [{ ...experiment, key: 'home', scenarios: ['home'], arms: scores }],
  });
  expect(await load(tasks(['click'], 7, ['search']).folder)).toContain('experiment home: test-model@');
});

test('a restart goes on with what was changed, and with artifacts that were loaded meanwhile', async () => {
  const file = join(temporaryFolder(), 'state', 'experiments.json');
  const [base, late] = [artifact(), artifact({ seed: 4 })];
  const config = { experimentsFile: file, experiments: [{ ...experiment, coverage: 0.2 }] };
  const one = await serving([base.folder], config);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ revision: 1 });
  await one.admin('/admin/models/late/load', { path: late.folder });
  const model = `late@${late.manifest.id}`;
  const experiments = [{ ...experiment, key: 'second', arms: { control: {}, treatment: { model } } }];
  expect((await one.put('/admin/experiments', { experiments })).status).toBe(200);
  const before = await armsOf(one);
  await one.service.close();

  const two = await serving([base.folder], config);
  expect((await two.admin('/admin/experiments')).body).toMatchObject({ revision: 2, experiments });
  expect(await armsOf(two)).toEqual(before);
  expect(new Set(before)).toEqual(new Set(['control', 'treatment']));
  await two.service.close();

  writeFileSync(file, readFileSync(file, 'utf8').replace('second', 'Second'));
  await expect(serving([base.folder], config)).rejects.toMatchObject({ code: 'EXPERIMENTS_FILE' });
});

test('a change that cannot be kept is not made', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file', 'experiments.json');
  const client = await serving([artifact().folder], { experimentsFile: file });
  expect(existsSync(file)).toBe(true);
  rmSync(join(folder, 'file'), { recursive: true });
  writeFileSync(join(folder, 'file'), ''); // where the folder was
  const { status, body } = await client.put('/admin/experiments', { experiments: [experiment] });
  expect([status, body.error.code]).toEqual([500, 'FILE_UNWRITABLE']);
  expect((await client.admin('/admin/experiments')).body).toMatchObject({ revision: 1, experiments: [] });
});

test('an OFREP client reads the arms that answers have; that exposes nobody', async () => {
  const folder = join(temporaryFolder(), 'events');
  const client = await serving([artifact().folder], {
    events: { folder, unit: 'user' },
    experiments: [{ ...experiment, coverage: 0.6 }],
  });
  const api = new OFREPApi({ baseUrl: client.address });
  let taking = 0;
  for (const user of users) {
    const { httpStatus, value } = await api.postEvaluateFlag('flows', { context: { targetingKey: user } });
    const arm = armOf('flows', user, [0.5, 0.5], 0.6);
    const name = arm === undefined ? undefined : ['control', 'treatment'][arm];
    expect([httpStatus, value]).toEqual([
      200,
      {
        key: 'flows',
        value: name ?? 'control',
        ...(name && { variant: name }),
        reason: name ? 'SPLIT' : 'DEFAULT',
        metadata: { mode: 'split', bucketVersion: 0 },
      },
    ]);
    if (name !== undefined) taking++;
  }
  expect(taking).toBeGreaterThan(10);
  const bulk = await api.postBulkEvaluateFlags({ context: { user: 'u1' } });
  expect(bulk.value).toEqual({ flags: [expect.objectContaining({ key: 'flows' })] });
  const none = await api.postBulkEvaluateFlags({ context: {} });
  expect(none.value).toEqual({
    flags: [expect.objectContaining({ key: 'flows', errorCode: 'TARGETING_KEY_MISSING' })],
  });
  for (const [key, context, status, errorCode] of [
    ['absent', { targetingKey: 'u1' }, 404, 'FLAG_NOT_FOUND'],
    ['flows', {}, 400, 'TARGETING_KEY_MISSING'],
    ['flows', { targetingKey: '' }, 400, 'TARGETING_KEY_MISSING'],
    ['flows', { scenario: 3 }, 400, 'INVALID_CONTEXT'],
  ] as const) {
    const { httpStatus, value } = await api.postEvaluateFlag(key, { context: context as never });
    expect([httpStatus, value]).toEqual([status, expect.objectContaining({ key, errorCode })]);
    const answer = await client.ask(`/ofrep/v1/evaluate/flags/${key}`, { context });
    expect(answer.status).toBe(status);
  }
  expect((await client.ask('/ofrep/v1/evaluate/flags/flows', '{')).body).toMatchObject({ errorCode: 'PARSE_ERROR' });
  await client.service.close();
  for await (const { events } of readSegments(folder)) expect(events).toEqual([]);
});

test('a thousand experiments in one body', async () => {
  const client = await serving([artifact().folder]);
  const experiments = Array.from({ length: 1000 }, (_, i) => ({
    ...experiment,
    key: `experiment-number-${i}`,
    arms: { [`control-${i}`]: {}, [`treatment-${i}`]: { score: `click + ${i} * purchase` } },
    namespace: { name: 'all', range: [i / 1000, (i + 1) / 1000] },
    metrics: { success: ['click'], guardrails: [{ metric: 'purchase', margin: '1%' }] },
  }));
  const { status, body } = await client.put('/admin/experiments', { revision: 1, experiments });
  expect([status, body.experiments?.length]).toEqual([200, 1000]);
  expect((await armsOf(client)).every((arm) => /^(control|treatment)-\d+$/.test(arm ?? ''))).toBe(true);
});
