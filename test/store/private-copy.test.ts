import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { copyArtifact } from '../../src/store/artifact/private-copy.ts';
import { makePrivateFolder } from '../../src/store/artifact/private-folder.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';
import { temporaryFolder } from './temporary.ts';

const whole = (folder = join(temporaryFolder(), 'artifact')): string => {
  writeTestArtifact({ folder });
  return folder;
};

const filesOf = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => statSync(join(folder, name)).isFile()).sort();

test('a copy holds the same bytes, for its owner alone', async () => {
  const from = whole();
  const into = join(temporaryFolder(), 'copy');
  const { manifest, source } = await copyArtifact({ from, into });
  expect(source).toBe(from);
  expect(filesOf(into)).toEqual(filesOf(from));
  for (const name of filesOf(from))
    expect(readFileSync(join(into, name)).equals(readFileSync(join(from, name)))).toBe(true);
  expect(statSync(into).mode & 0o77).toBe(0);
  for (const name of filesOf(into)) expect([name, statSync(join(into, name)).mode & 0o77]).toEqual([name, 0]);
  // Not the same files: a hard link would change with its original.
  for (const name of filesOf(from)) expect(statSync(join(into, name)).ino).not.toBe(statSync(join(from, name)).ino);
  truncateSync(join(from, 'embedding.bin'), 0);
  expect((await openArtifact(into)).manifest.id).toBe(manifest.id);
});

test('an artifact that changes while it is copied is refused or copied whole, and nothing half stays', async () => {
  const from = whole();
  const table = join(from, 'embedding.bin');
  const original = readFileSync(table);
  let isOver = false;
  const changing = (async () => {
    for (let i = 0; !isOver; i++) {
      if (i % 3 === 0) truncateSync(table, i % original.length);
      else writeFileSync(table, i % 3 === 1 ? Buffer.alloc(original.length) : original);
      await new Promise(setImmediate);
    }
  })();
  let refused = 0;
  for (let i = 0; i < 60; i++) {
    const into = join(temporaryFolder(), 'copy');
    try {
      await copyArtifact({ from, into });
      expect(readFileSync(join(into, 'embedding.bin')).equals(original)).toBe(true);
    } catch (cause) {
      expect((cause as { code: string }).code).toMatch(/^ARTIFACT_FILE_(CHANGED|SIZE)$/);
      expect(existsSync(into)).toBe(false);
      refused++;
    }
  }
  isOver = true;
  await changing;
  expect(refused).toBeGreaterThan(0);
});

test('only what lies in the allowed folder, wherever links lead', async () => {
  const allowed = join(temporaryFolder(), 'allowed');
  mkdirSync(allowed);
  const outside = whole();
  whole(join(allowed, 'good'));
  symlinkSync(outside, join(allowed, 'link'));
  symlinkSync('good', join(allowed, 'alias'));
  symlinkSync(join(outside, '..'), join(allowed, 'parent'));
  symlinkSync(allowed, join(outside, '..', 'door'));
  const copy = async (from: string, within = allowed): Promise<string> => {
    try {
      await copyArtifact({ from, into: join(temporaryFolder(), 'copy'), within });
      return 'copied';
    } catch (cause) {
      return (cause as { code: string }).code;
    }
  };
  expect(await copy(join(allowed, 'good'))).toBe('copied');
  expect(await copy(join(allowed, 'alias'))).toBe('copied');
  expect(await copy(join(allowed, 'good'), join(outside, '..', 'door'))).toBe('copied');
  expect(await copy(join(allowed, 'link'))).toBe('ARTIFACT_OUTSIDE');
  expect(await copy(join(allowed, 'parent', 'artifact'))).toBe('ARTIFACT_OUTSIDE');
  expect(await copy(join(allowed, 'good'), join(allowed, 'nowhere'))).toBe('ARTIFACT_OUTSIDE');
});

/** Lets `a` be a folder and a link in turn, for ever. */
const SWAPPING = `
  const { renameSync } = require('node:fs');
  const at = (name) => require('node:path').join(require('node:worker_threads').workerData, name);
  for (;;) {
    renameSync(at('a'), at('away'));
    renameSync(at('link'), at('a'));
    renameSync(at('a'), at('link'));
    renameSync(at('away'), at('a'));
  }
`;

test('a folder that becomes a link between check and reading is never followed out of the allowed one', async () => {
  const allowed = join(temporaryFolder(), 'allowed');
  mkdirSync(allowed);
  const [inside, outside] = [join(allowed, 'a'), join(temporaryFolder(), 'artifact')];
  const good = writeTestArtifact({ folder: inside });
  writeTestArtifact({ folder: outside, seed: 2 });
  symlinkSync(outside, join(allowed, 'link'));
  const swapping = new Worker(SWAPPING, { eval: true, workerData: allowed });
  onTestFinished(async () => void (await swapping.terminate()));
  const found = new Set<string>();
  for (let i = 0; i < 400 && (i < 60 || found.size < 2); i++)
    await copyArtifact({ from: inside, into: join(temporaryFolder(), 'copy'), within: allowed }).then(
      ({ manifest }) => found.add(manifest.id),
      ({ code }) => found.add(code),
    );
  await swapping.terminate();
  expect(found).toContain(good.id);
  expect(found).toContain('ARTIFACT_OUTSIDE');
  expect([...found].filter((what) => ![good.id, 'ARTIFACT_OUTSIDE', 'ARTIFACT_NOT_FOUND'].includes(what))).toEqual([]);
});

test('a place for copies that cannot be written to is named with the setting', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await expect(makePrivateFolder(join(file, 'cache'))).rejects.toMatchObject({
    code: 'CACHE_UNWRITABLE',
    message: expect.stringContaining('cacheFolder'),
  });
});

test('folders of living processes stay, those of dead ones and of another start of the machine go', async () => {
  const parent = temporaryFolder();
  const alive = await makePrivateFolder(parent);
  onTestFinished(() => alive.remove());
  expect(statSync(alive.path).mode & 0o777).toBe(0o700);
  const old = (name: string, hours: number, files: Record<string, string> = {}): string => {
    const folder = join(parent, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    const then = new Date(Date.now() - hours * 3_600_000);
    utimesSync(folder, then, then);
    return name;
  };
  const machine = readFileSync(join(alive.path, 'machine'), 'utf8');
  // A process that was killed leaves its socket: closing would remove it by its first name.
  const killed = join(parent, old('tributary-serving-killed', 0, { machine }), 'alive');
  const server = createServer();
  await new Promise<void>((done) => void server.listen(`${killed}-first`, done));
  renameSync(`${killed}-first`, killed);
  await new Promise((done) => void server.close(done));
  expect(statSync(killed).isSocket()).toBe(true);
  const stays = [
    old('tributary-serving-begun', 0),
    old('tributary-serving-elsewhere', 2, { machine: 'another', alive: '' }),
    old('other', 100, { machine }),
  ];
  old('tributary-serving-abandoned', 30, { machine: 'another', alive: '' });
  old('tributary-serving-half', 30);
  const next = await makePrivateFolder(parent);
  onTestFinished(() => next.remove());
  const names = readdirSync(parent).map((name) => join(parent, name));
  expect(names.sort()).toEqual([alive.path, next.path, ...stays.map((name) => join(parent, name))].sort());
});

test('an owner whose folder has a long name, or whose socket is crowded, lives', async () => {
  const parent = join(temporaryFolder(), 'x'.repeat(120));
  const one = await makePrivateFolder(parent);
  const two = await makePrivateFolder(parent);
  expect(existsSync(one.path)).toBe(true);
  one.remove();
  two.remove();
  expect(readdirSync(parent)).toEqual([]);
  two.remove(); // once more does nothing
});
