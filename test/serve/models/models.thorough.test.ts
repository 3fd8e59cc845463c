import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seal, unseal } from '../../../src/base/seal.ts';
import { type Answer, artifact, type Client, hashed, REQUEST, serving, temporaryFolder } from '../support.ts';

const load = (client: Client, path: string, more: object = {}): Promise<Answer> =>
  client.admin('/admin/models/test-model/load', { path, ...more });
const served = async (client: Client): Promise<string> => (await client.ask('/v1/rank', REQUEST)).body.model;

test('load, rollback and rollback again: what is served changes, and the list says so', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const [a, b] = [first.manifest.id, second.manifest.id];
  const client = await serving([first.folder]);
  expect(await served(client)).toBe(`test-model@${a}`);
  expect((await client.admin('/admin/models/test-model/rollback', {})).body.error.code).toBe('ROLLBACK_NONE');
  const { status, body } = await load(client, second.folder);
  expect([status, body.model.current.id, body.model.previous.id]).toEqual([200, b, a]);
  expect(await served(client)).toBe(`test-model@${b}`);
  expect((await client.ask('/v1/rank', { ...REQUEST, model: `test-model@${a}` })).body.model).toBe(`test-model@${a}`);
  await client.admin('/admin/models/test-model/rollback', {});
  expect(await served(client)).toBe(`test-model@${a}`);
  await client.admin('/admin/models/test-model/rollback', {});
  expect(await served(client)).toBe(`test-model@${b}`);
  const { body: list } = await client.admin('/admin/models');
  expect(list.models).toEqual([
    {
      name: 'test-model',
      current: { id: b, path: second.folder, created: expect.any(String) },
      previous: { id: a, path: first.folder, created: expect.any(String) },
    },
  ]);
});

test('another name is another model; the name in the address counts, not the one in the artifact', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const client = await serving([first.folder]);
  expect((await client.admin('/admin/models/trial/load', { path: second.folder })).status).toBe(200);
  expect((await client.ask('/v1/rank', { ...REQUEST, model: 'trial' })).body.model).toBe(`trial@${second.manifest.id}`);
  expect(await served(client)).toBe(`test-model@${first.manifest.id}`);
});

test('a bad artifact never takes the place of a good one', async () => {
  const { folder, manifest } = artifact();
  const client = await serving([folder]);
  const copy = (change: (at: string) => void): string => {
    const at = join(temporaryFolder(), 'copy');
    cpSync(artifact({ seed: 2 }).folder, at, { recursive: true });
    change(at);
    return at;
  };
  const rewrite = (at: string, change: (text: string) => string): void => {
    const path = join(at, 'manifest.json');
    const content = unseal(readFileSync(path, 'utf8'));
    if (!('value' in content)) throw new Error('not sealed');
    writeFileSync(path, seal(JSON.parse(change(JSON.stringify(content.value)))));
  };
  const cases: [string, string][] = [
    ['ARTIFACT_NOT_FOUND', '/nowhere'],
    ['ARTIFACT_NOT_FOUND', temporaryFolder()],
    ['ARTIFACT_SEAL', copy((at) => appendFileSync(join(at, 'manifest.json'), ' '))],
    ['ARTIFACT_FILE_SIZE', copy((at) => appendFileSync(join(at, 'graph.onnx'), 'x'))],
    [
      'ARTIFACT_FILE_CHANGED',
      copy((at) => {
        const bytes = readFileSync(join(at, 'embedding.bin'));
        bytes[100] ^= 1;
        writeFileSync(join(at, 'embedding.bin'), bytes);
      }),
    ],
    ['ARTIFACT_FILE_MISSING', copy((at) => rmSync(join(at, 'embedding.bin')))],
    ['ARTIFACT_FILE_UNEXPECTED', copy((at) => writeFileSync(join(at, 'run.sh'), ''))],
    ['ARTIFACT_PATH', copy((at) => rewrite(at, (text) => text.replaceAll('embedding.bin', '../../../etc/passwd')))],
    [
      'ARTIFACT_LINK',
      copy((at) => {
        renameSync(join(at, 'embedding.bin'), join(at, '..', 'elsewhere'));
        symlinkSync(join(at, '..', 'elsewhere'), join(at, 'embedding.bin'));
      }),
    ],
    ['ARTIFACT_INVALID', copy((at) => rewrite(at, (text) => text.replace('"tableRows":', '"tableRows":1')))],
    ['SCORE_INVALID', artifact({ score: { default: 'process.exit()', scenarios: {} } }).folder],
    ['SCORE_UNDEFINED', artifact({ score: { default: 'log(click - click)', scenarios: {} } }).folder],
  ];
  for (const [code, path] of cases) {
    const { status, body, text } = await load(client, path);
    expect([code, body.error?.code]).toEqual([code, code]);
    expect([code, status >= 400 && status < 500]).toEqual([code, true]);
    expect(text).not.toMatch(/\.ts:\d+/);
    expect(await served(client)).toBe(`test-model@${manifest.id}`);
  }
  expect((await client.ask('/metrics')).text).toContain(`tributary_swaps_total{outcome="refused"} ${cases.length}`);
});

test('an artifact that fails on what was asked lately is refused, unless forced', async () => {
  const { folder, manifest } = artifact();
  const other = artifact({ without: ['user'] });
  const client = await serving([folder]);
  for (let i = 0; i < 3; i++) await client.ask('/v1/rank', REQUEST);
  const { status, body } = await load(client, other.folder);
  expect([status, body.error.code]).toEqual([422, 'ARTIFACT_UNFIT']);
  expect(body.error.message).toContain('3 of 3 recorded requests fail');
  expect(await served(client)).toBe(`test-model@${manifest.id}`);
  expect((await load(client, other.folder, { force: true })).status).toBe(200);
  expect((await client.ask('/v1/rank', { ...REQUEST, user: {} })).body.model).toBe(`test-model@${other.manifest.id}`);
});

test('a rollback to an artifact that refuses the requests of today is refused, unless forced', async () => {
  const old = artifact({ without: ['user'] });
  const client = await serving([old.folder]);
  const { folder, manifest } = artifact();
  expect((await load(client, folder)).status).toBe(200);
  const rollback = (body: object) => client.admin('/admin/models/test-model/rollback', body);
  for (let i = 0; i < 5; i++) expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
  const { status, body } = await rollback({});
  expect([status, body.error.code]).toEqual([422, 'ROLLBACK_UNFIT']);
  expect(body.error.message).toContain(`test-model@${old.manifest.id} stays replaced: 5 of 5 recorded requests fail`);
  expect(await served(client)).toBe(`test-model@${manifest.id}`);
  expect((await rollback({ forced: true })).body.error.code).toBe('REQUEST_INVALID');
  const forced = await rollback({ force: true });
  expect([forced.status, forced.body.model.current.id]).toEqual([200, old.manifest.id]);
  expect(forced.body.recorded).toMatchObject({ requests: 6, failing: 6 });
});

test('the answer to a load says what changes for those who ask', async () => {
  const small = artifact({ without: ['hour', 'user'] });
  const client = await serving([small.folder]);
  const first = await client.admin('/admin/models/trial/load', { path: small.folder });
  expect([first.body.changes, first.body.warnings]).toEqual([undefined, []]);
  const request = (city: string) => ({
    scenario: 'home',
    user: { city },
    items: [{ id: 1, item: 3, tags: ['t1', 'x'] }],
  });
  for (const city of ['Lyon', 'Oslo']) await client.ask('/v1/rank', request(city));
  const larger = await load(client, artifact().folder);
  expect(larger.status).toBe(200);
  expect(larger.body.changes).toEqual({
    fields: { added: ['user', 'hour'], removed: [], changed: [] },
    scenarios: { added: [], removed: [] },
    tasks: { added: [], removed: [] },
    sequences: 'same',
  });
  expect(larger.body.recorded).toEqual({ requests: 2, failing: 0, out_of_vocabulary: [] });
  expect(larger.body.warnings[0]).toBe(
    'the field user is new: 0 of 2 recorded requests give it, for all others it is unknown',
  );
  const back = await load(client, artifact({ without: ['hour'], seed: 2, items: 3, sequences: true }).folder);
  expect(back.body.changes).toMatchObject({ fields: { removed: ['hour'] }, sequences: 'added' });
  expect(back.body.recorded.out_of_vocabulary).toEqual([{ field: 'item', before: 0, after: 1 }]);
  expect(back.body.warnings.join('\n')).toContain('the field hour is gone: 0 of 2 recorded requests give it');
  expect(back.body.warnings.join('\n')).toContain('100 % of the values of item in recorded requests');
});

test('a good artifact loads while the queue is full, whatever the limits of requests', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const client = await serving([first.folder], { limits: { waitingRows: 10, items: 20 }, batching: { windowMs: 5 } });
  const items = Array.from({ length: 20 }, (_, id) => ({ id }));
  let isOver = false;
  const found = new Map<number, number>();
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await client.ask('/v1/rank', { ...REQUEST, items });
      found.set(status, (found.get(status) ?? 0) + 1);
    }
  };
  const busy = Promise.all(Array.from({ length: 6 }, ask));
  for (let i = 1; i <= 3; i++) expect((await load(client, [first, second][i % 2].folder)).status).toBe(200);
  expect((await client.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
  isOver = true;
  await busy;
  expect([...found.keys()].sort()).toEqual([200, 503]);
});

test('probes learn no names of models; those with a key do', async () => {
  const client = await serving([artifact().folder], { keys: [hashed('shop', 'tk_shop')] });
  const probe = await client.ask('/v2/models/guess/ready');
  expect([probe.status, probe.body.code]).toEqual([404, 'MODEL_NOT_SERVED']);
  expect(probe.text).not.toContain('test-model');
  expect((await client.ask('/v2/models/test-model/versions/000000000000/ready')).text).not.toMatch(/@[0-9a-f]{12}/);
  expect((await client.ask('/v2/models/test-model/ready')).body.ready).toBe(true);
  const known = await client.ask('/v2/models/guess', undefined, { 'x-api-key': 'tk_shop' });
  expect(known.text).toContain('test-model');
});

test('a link out of the configured folder leads nowhere', async () => {
  const { folder } = artifact();
  const inside = join(folder, '..');
  const outside = artifact({ seed: 2 }).folder;
  symlinkSync(outside, join(inside, 'link'));
  symlinkSync('artifact', join(inside, 'alias'));
  symlinkSync(inside, join(outside, '..', 'door'));
  const client = await serving([folder], { artifactFolder: join(outside, '..', 'door') });
  expect((await load(client, 'link')).body.error).toMatchObject({ code: 'ARTIFACT_OUTSIDE' });
  for (const path of ['alias', 'artifact', join(outside, '..', 'door', 'artifact')])
    expect([path, (await load(client, path)).status]).toEqual([path, 200]);
  expect((await client.admin('/admin/models')).body.models[0].current.path).toBe(folder);
});

test('artifacts come from the configured folder only, and bodies of the admin routes are strict', async () => {
  const { folder } = artifact();
  const inside = join(folder, '..');
  const client = await serving([folder], { artifactFolder: inside });
  const code = async (path: unknown, more = {}): Promise<string> => {
    const { status, body } = await client.admin('/admin/models/test-model/load', { path, ...more });
    return status === 200 ? 'OK' : body.error.code;
  };
  expect(await code('artifact')).toBe('OK');
  expect(await code(folder)).toBe('OK');
  for (const path of ['..', '.', '../artifact/../..', '/etc', artifact().folder])
    expect([path, await code(path)]).toEqual([path, 'ARTIFACT_OUTSIDE']);
  for (const path of [7, '', null]) expect(await code(path)).toBe('REQUEST_INVALID');
  expect(await code('artifact', { extra: 1 })).toBe('REQUEST_INVALID');
  expect((await client.admin('/admin/models/..%2fx/load', { path: 'artifact' })).body.error.code).toBe(
    'REQUEST_INVALID',
  );
});

test('changes under load: no request fails, no answer mixes two artifacts, one change at a time', async () => {
  const both = [artifact(), artifact({ seed: 2 })];
  const client = await serving([both[0].folder]);
  const expected = new Map<string, string>();
  for (const { folder, manifest } of both) {
    const alone = await serving([folder]);
    expected.set(`test-model@${manifest.id}`, JSON.stringify((await alone.ask('/v1/rank', REQUEST)).body.items));
  }
  let isOver = false;
  const seen = new Set<string>();
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const { status, body } = await client.ask('/v1/rank', REQUEST);
      expect(status).toBe(200);
      expect(JSON.stringify(body.items)).toBe(expected.get(body.model));
      seen.add(body.model);
    }
  };
  const load = Promise.all(Array.from({ length: 4 }, ask));
  try {
    for (let i = 1; i <= 3; i++) {
      const { status } = await client.admin('/admin/models/test-model/load', { path: both[i % 2].folder });
      expect(status).toBe(200);
    }
    expect((await client.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
    const [one, two] = await Promise.all([
      client.admin('/admin/models/test-model/load', { path: both[0].folder }),
      client.admin('/admin/models/test-model/load', { path: both[1].folder }),
    ]);
    expect([one.status, two.status].sort()).toEqual([200, 409]);
  } finally {
    isOver = true;
    await load;
  }
  expect(seen.size).toBe(2);
});

test('closing answers what is open and takes nothing new', async () => {
  const client = await serving([artifact().folder], { batching: { windowMs: 1000 } });
  const open = Promise.all(Array.from({ length: 5 }, () => client.ask('/v1/rank', REQUEST)));
  // Not before all five have arrived: a connection that has asked nothing yet is closed.
  const waiting = async (): Promise<number> =>
    Number(/^tributary_waiting_rows (\d+)$/m.exec((await client.ask('/metrics')).text)?.[1]);
  while ((await waiting()) < 5 * REQUEST.items.length) await new Promise((done) => setTimeout(done, 10));
  const closed = client.service.close();
  expect((await open).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  await closed;
  await expect(client.ask('/v1/rank', REQUEST)).rejects.toThrow();
});
