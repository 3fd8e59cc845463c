import { copyFileSync, existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPrepared } from '../../src/data/open.ts';
import { prepare } from '../../src/data/prepare.ts';
import { recipes } from '../../src/data/recipes.ts';
import { validate } from '../../src/data/validate.ts';
import { USERS, VIDEOS, writeKuaiRand } from './kuairand-files.ts';
import { dataset, temporaryFolder } from './support.ts';

const PUBLISHED = join(import.meta.dirname, '../../../shared/data/kuairand-pure');
const TABLES = ['user_features_pure.csv', 'video_features_basic_pure.csv'];

test('27K in its parts gives what Pure gives of the same lines, to the byte', async () => {
  const hashes: string[][] = [];
  for (const suffix of ['pure', '27k'] as const) {
    const folder = temporaryFolder();
    await writeKuaiRand(folder, { suffix, rows: 5000, users: 300, videos: 200 });
    const config = dataset(await recipes[`kuairand-${suffix}`].prepareConfig(folder));
    const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'prepared') });
    hashes.push(Object.values(manifest.splits).map(({ sha256 }) => sha256));
  }
  expect(hashes[0]).toEqual(hashes[1]);
});

test('with the published tables of users and videos', async ({ skip }) => {
  if (!TABLES.every((name) => existsSync(join(PUBLISHED, name)))) skip(`no tables in ${PUBLISHED}`);
  const folder = temporaryFolder();
  await writeKuaiRand(folder, { suffix: 'pure', rows: 40_000, users: USERS, videos: VIDEOS });
  for (const name of TABLES) copyFileSync(join(PUBLISHED, name), join(folder, name));
  const recipe = recipes['kuairand-pure'];
  for (const { path, bytes } of recipe.files.filter(({ path }) => TABLES.includes(path)))
    expect(statSync(join(folder, path)).size, path).toBe(bytes);
  const config = dataset(await recipe.prepareConfig(folder));

  const findings = await validate(config, folder);
  expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);

  await prepare({ config, sourceFolder: folder, out: join(folder, 'prepared') });
  const { manifest, tokens } = await openPrepared(join(folder, 'prepared'));
  const users = Object.fromEntries(manifest.columns.users.map(({ name, type }) => [name, type]));
  expect(users).toMatchObject({ user_active_degree: 'VARCHAR', follow_user_num: 'BIGINT', onehot_feat4: 'DOUBLE' });
  const vocabulary = async (field: string): Promise<string[]> => (await tokens(field)).slice(2).sort();
  expect(await vocabulary('user_active_degree')).toEqual([
    ...['2_14_day_new', '30day_retention', 'UNKNOWN', 'day_new'],
    ...['full_active', 'high_active', 'low_active', 'middle_active', 'single_low_active'],
  ]);
  expect(await vocabulary('is_live_streamer')).toEqual(['-124', '1']);
  expect(await vocabulary('onehot_feat12')).toEqual(['0', '1']); // missing for 714 users: 0
  expect(await vocabulary('video_type')).toEqual(['AD', 'NORMAL']);
  expect(await vocabulary('music_type')).toContain('9');
});

test('rows that do not fit the memory are prepared out of core, to the same bytes', async () => {
  const folder = temporaryFolder();
  // 130,000 rows of 89 columns of 8 bytes or more are some 100 MB.
  await writeKuaiRand(folder, { suffix: 'pure', rows: 170_000, users: USERS, videos: VIDEOS });
  const config = dataset(await recipes['kuairand-pure'].prepareConfig(folder));
  const hashes: string[] = [];
  // Every thread needs some memory of its own.
  for (const memoryLimit of [`${160 + 30 * availableParallelism()}MB`, '1GB']) {
    const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, memoryLimit), memoryLimit });
    hashes.push(manifest.hash);
  }
  expect(hashes[0]).toBe(hashes[1]);
});
