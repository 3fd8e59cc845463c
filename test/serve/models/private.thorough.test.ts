import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RankRequest } from '../../../src/serve/ranker/contract.ts';
import { loadRanker } from '../../../src/serve/ranker/ranker.ts';
import { artifact, REQUEST, serving, temporaryFolder } from '../support.ts';

const EXPLAINED = { ...REQUEST, explain: true };
const INFER = {
  inputs: [
    { name: 'scenario', datatype: 'BYTES', shape: [2], data: ['home', 'search'] },
    { name: 'user', datatype: 'BYTES', shape: [2], data: ['u1', 'u2'] },
    { name: 'item', datatype: 'BYTES', shape: [2], data: ['2', '9'] },
  ],
};

/** What may happen to a folder while its artifact serves. */
const FATES: [title: string, what: (folder: string) => void][] = [
  [
    'overwritten in place',
    (folder) => {
      for (const name of readdirSync(folder, { recursive: true }) as string[])
        if (name.includes('.')) {
          const path = join(folder, name);
          writeFileSync(path, Buffer.alloc(readFileSync(path).length, 0x3f), { flag: 'r+' });
        }
    },
  ],
  [
    'cut short',
    (folder) => {
      for (const name of readdirSync(folder)) if (name.includes('.')) truncateSync(join(folder, name), 0);
    },
  ],
  ['deleted', (folder) => rmSync(folder, { recursive: true })],
  [
    'replaced by another artifact',
    (folder) => {
      rmSync(folder, { recursive: true });
      cpSync(artifact({ seed: 2, selected: true }).folder, folder, { recursive: true });
    },
  ],
  [
    'replaced by another artifact, file by file',
    (folder) => cpSync(artifact({ seed: 2, selected: true }).folder, folder, { recursive: true }),
  ],
];

test.each(FATES)(
  'an artifact whose folder is %s answers as before, by graphs that are used late, too',
  async (_, fate) => {
    const { folder } = artifact({ selected: true });
    const reference = await serving([artifact({ selected: true }).folder]);
    const client = await serving([folder]);
    expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
    fate(folder);
    for (const [path, body] of [
      ['/v1/rank', REQUEST],
      ['/v1/rank', EXPLAINED],
      ['/v2/models/test-model/infer', INFER],
    ] as const) {
      const [expected, found] = await Promise.all([reference, client].map((each) => each.ask(path, body)));
      expect([path, found.status]).toEqual([path, 200]);
      expect(found.body.items ?? found.body.outputs).toEqual(expected.body.items ?? expected.body.outputs);
    }
  },
);

test('copies are there while they are needed: current, previous, asked for by id; gone with the service', async () => {
  const cacheFolder = temporaryFolder();
  const [a, b, c] = [1, 2, 3].map((seed) => artifact({ seed }));
  const client = await serving([a.folder], { cacheFolder });
  const [own] = readdirSync(cacheFolder).map((name) => join(cacheFolder, name));
  const copies = (): string[] =>
    readdirSync(own).flatMap((name) => (/^[0-9a-f]{12}-/.test(name) ? [name.slice(0, 12)] : []));
  const load = async ({ folder }: { folder: string }) =>
    expect((await client.admin('/admin/models/test-model/load', { path: folder })).status).toBe(200);
  expect(copies()).toEqual([a.manifest.id]);
  await load(b);
  rmSync(a.folder, { recursive: true });
  rmSync(b.folder, { recursive: true });
  expect(copies().sort()).toEqual([a, b].map(({ manifest }) => manifest.id).sort());
  expect((await client.admin('/admin/models/test-model/rollback', {})).body.model.current.id).toBe(a.manifest.id);
  await load(c);
  await expect.poll(copies).toHaveLength(2);
  expect(copies().sort()).toEqual([a, c].map(({ manifest }) => manifest.id).sort());
  // Equal contents by another name and from another folder: one copy, which stays until nobody needs it.
  const same = artifact({ seed: 3 });
  expect((await client.admin('/admin/models/other/load', { path: same.folder })).status).toBe(200);
  expect(copies()).toHaveLength(2);
  for (const path of ['/nowhere', artifact({ score: { default: 'none', scenarios: {} } }).folder])
    expect((await client.admin('/admin/models/test-model/load', { path })).status).toBeGreaterThanOrEqual(400);
  await expect.poll(copies).toHaveLength(2);
  await client.service.close();
  expect(readdirSync(cacheFolder)).toEqual([]);
});

test('no place for copies: the error names the setting, nothing changes', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await expect(serving([artifact().folder], { cacheFolder: join(file, 'x') })).rejects.toMatchObject({
    code: 'CACHE_UNWRITABLE',
  });
});

test('loadRanker: a copy of its own, removed by close; the configuration decides score, names and limits', async () => {
  const cacheFolder = temporaryFolder();
  const { folder } = artifact();
  const config = join(temporaryFolder(), 'serving.yaml');
  writeFileSync(
    config,
    `cacheFolder: ${cacheFolder}\nunknownFields: ignore\nlimits: { items: 3 }\nport: 1\nscore:\n  test-model: { default: click * 2, scenarios: { search: purchase } }\n`,
  );
  const plain = await loadRanker(folder);
  onTestFinished(() => plain.close());
  const ranker = await loadRanker(folder, { config });
  rmSync(folder, { recursive: true });
  const request: RankRequest = { ...REQUEST, context: { nothing: 1 } };
  const [{ probabilities, score }] = (await ranker.score(request)).items;
  expect(score).toBe(probabilities.click * 2);
  expect(probabilities).toEqual((await plain.score(REQUEST)).items[0].probabilities);
  const [searched] = (await ranker.score({ ...request, scenario: 'search' })).items;
  expect(searched.score).toBe(searched.probabilities.purchase);
  await expect(plain.score(request)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  const many = { ...REQUEST, items: [1, 2, 3, 4].map((id) => ({ id })) };
  await expect(ranker.score(many)).rejects.toMatchObject({ code: 'TOO_MANY_ITEMS' });
  expect(readdirSync(cacheFolder)).toHaveLength(1);
  await ranker.close();
  expect(readdirSync(cacheFolder)).toEqual([]);

  const other = artifact().folder;
  const load = (score: object) => loadRanker(other, { config: { cacheFolder, score: { 'test-model': score } } });
  await expect(load({ default: 'clicks' })).rejects.toMatchObject({ code: 'SCORE_INVALID' });
  await expect(load({ scenarios: { serach: 'click' } })).rejects.toMatchObject({ code: 'SCORE_SCENARIO' });
  await expect(loadRanker(other, { config: { limits: { items: 0 } } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  expect(readdirSync(cacheFolder)).toEqual([]);
  expect(existsSync(other)).toBe(true);
});
