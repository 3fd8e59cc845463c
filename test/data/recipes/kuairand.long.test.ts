import { copyFileSync, existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { validate } from '../../../src/data/checks/validate.ts';
import { OUT_OF_VOCABULARY_ID } from '../../../src/data/encode/ids.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { dataset, EVERYWHERE, readParquetRows, temporaryFolder } from '../support.ts';
import { USERS, VIDEOS, writeKuaiRand } from './kuairand-files.ts';

const PUBLISHED = join(import.meta.dirname, '../../../../shared/data/kuairand-pure');
const TABLES = ['user_features_pure.csv', 'video_features_basic_pure.csv'];

const LOGS = ['log_standard_4_22_to_5_08', 'log_standard_4_08_to_4_21', 'log_random_4_22_to_5_08'];

type Line = Record<string, string | null>;

/** Lines of a generated file, every value as it is written there. */
async function lines(path: string): Promise<Line[]> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    return (await query(connection, `SELECT * FROM read_csv('${path}', all_varchar = true)`, 'reading')) as Line[];
  } finally {
    close();
  }
}

const numberToken = (text: string | null | undefined): string => {
  const value = Number(text ?? 0);
  return String(value > 2 ? Math.floor(Math.log(value) ** 2) : Math.trunc(value));
};
const categoryToken = (text: string | null | undefined): string => (text ?? '0').replace(/^(-?\d+)\.0$/, '$1');

/** Tokens of the 89 fields, labels and scenario of every row that is kept, by the published description alone. */
async function expectedRows(folder: string): Promise<string[][]> {
  const table = async (name: string, key: string) =>
    new Map((await lines(join(folder, `${name}_pure.csv`))).map((line) => [line[key], line]));
  const users = await table('user_features', 'user_id');
  const videos = await table('video_features_basic', 'video_id');
  const statistics = await table('video_features_statistic', 'video_id');
  const userColumns = Object.keys([...users.values()][0]);
  const statisticColumns = Object.keys([...statistics.values()][0]).slice(2);
  const isNumber = (column: string): boolean =>
    /^(follow_user_num|fans_user_num|friend_user_num|register_days)$/.test(column);
  const log = (await Promise.all(LOGS.map((name) => lines(join(folder, `${name}_pure.csv`))))).flat();
  return log
    .filter(({ tab }) => ['0', '1', '4'].includes(tab ?? ''))
    .map((row) => {
      const [user, video, counts] = [users.get(row.user_id), videos.get(row.video_id), statistics.get(row.video_id)];
      const scenario = String(['0', '1', '4'].indexOf(row.tab ?? ''));
      return [
        ...userColumns.filter((c) => !isNumber(c)).map((c) => categoryToken(user?.[c])),
        ...userColumns.filter(isNumber).map((c) => numberToken(user?.[c])),
        ...['video_id', 'video_type', 'upload_type', 'music_type'].map((c) => categoryToken(video?.[c])),
        ...['video_duration', 'server_width', 'server_height'].map((c) => numberToken(video?.[c])),
        ...statisticColumns.map((c) => numberToken(counts?.[c])),
        scenario,
        ...[row.is_click ?? '', row.long_view ?? '', scenario],
      ];
    });
}

describe('files of the published layout, every column there', () => {
  const generated = async (): Promise<string> => {
    const folder = temporaryFolder();
    await writeKuaiRand(folder, { suffix: 'pure', rows: 700, users: 80, videos: 60 });
    return folder;
  };

  test('give 89 fields, tokens, labels and scenarios as described', async () => {
    const folder = await generated();
    const out = join(folder, 'prepared');
    const config = dataset(await recipes['kuairand-pure'].prepareConfig(folder));
    await prepare({ config, sourceFolder: folder, out });
    const { manifest, tokens } = await openPrepared(out);
    const kinds = manifest.fields.map(({ kind }) => kind);
    expect([kinds.length, kinds.filter((kind) => kind === 'numeric').length]).toEqual([89, 57]);

    const expected = await expectedRows(folder);
    const seen = kinds.map((_, f) => {
      const counts = new Map<string, number>();
      for (const row of expected) counts.set(row[f], (counts.get(row[f]) ?? 0) + 1);
      return counts;
    });
    // Categories seen once are out of the vocabulary, numbers never.
    const kept = expected.map((row) =>
      row.map((token, f) => (kinds[f] === 'categorical' && (seen[f].get(token) ?? 0) < 2 ? 'none' : token)),
    );
    const vocabularies = await Promise.all(manifest.fields.map(({ name }) => tokens(name)));
    const found: string[][] = [];
    for (const { file } of Object.values(manifest.splits))
      for (const row of await readParquetRows(join(out, file)))
        found.push([
          ...manifest.fields.map(({ name }, f) => {
            const id = Number(row[`field_${name}`]);
            return id === OUT_OF_VOCABULARY_ID ? 'none' : vocabularies[f][id];
          }),
          ...[row.label_is_click, row.label_long_view, row.scenario].map(String),
        ]);
    expect(found.map(String).sort()).toEqual(kept.map(String).sort());
    expect(kept.flat()).toContain('none');
  });

  test('validate, with what is odd about them told', async () => {
    const folder = await generated();
    const findings = await validate(dataset(await recipes['kuairand-pure'].prepareConfig(folder)), folder);
    const told = findings.filter(({ level }) => level !== 'pass').map(({ check, message }) => `${check}: ${message}`);
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
    expect(told.join('\n')).toMatch(/joins: .*do not find their video_id in source "statistics"/);
    expect(told.join('\n')).toMatch(/constant-fields: field "is_lowactive_period"/);
  });
});

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
