import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDuckDB, query } from '../../src/data/duckdb.ts';
import { openPrepared } from '../../src/data/open.ts';
import { prepare } from '../../src/data/prepare.ts';
import { OUT_OF_VOCABULARY_ID } from '../../src/data/prepared.ts';
import { recipes } from '../../src/data/recipes.ts';
import { validate } from '../../src/data/validate.ts';
import { writeKuaiRand } from './kuairand-files.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from './support.ts';

const recipe = recipes['kuairand-pure'];
const LOGS = ['log_standard_4_22_to_5_08', 'log_standard_4_08_to_4_21', 'log_random_4_22_to_5_08'];

type Line = Record<string, string | null>;

/** Lines of a generated file, every value as it is written there. */
async function lines(path: string): Promise<Line[]> {
  const { connection, close } = await openDuckDB();
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
    const config = dataset(await recipe.prepareConfig(folder));
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
    const findings = await validate(dataset(await recipe.prepareConfig(folder)), folder);
    const told = findings.filter(({ level }) => level !== 'pass').map(({ check, message }) => `${check}: ${message}`);
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
    expect(told.join('\n')).toMatch(/joins: .*do not find their video_id in source "statistics"/);
    expect(told.join('\n')).toMatch(/constant-fields: field "is_lowactive_period"/);
  });
});

test('the versions 1K and 27K read all parts of their files, logs in the authors’ order', async () => {
  for (const suffix of ['1k', '27k'] as const) {
    const folder = temporaryFolder();
    await writeKuaiRand(folder, { suffix, rows: 60, users: 10, videos: 10 });
    const { sources, fields } = await recipes[`kuairand-${suffix}`].prepareConfig(folder);
    expect(fields).toHaveLength(89);
    const parts = (name: string, n: number): string[] =>
      suffix === '1k' || n === 1
        ? [`${name}_${suffix}.csv`]
        : Array.from({ length: n }, (_, i) => `${name}_27k_part${i + 1}.csv`);
    expect(Object.values(sources).map(({ path }) => path)).toEqual([
      [...parts(LOGS[0], 2), ...parts(LOGS[1], 2), ...parts(LOGS[2], 1)],
      parts('user_features', 1),
      parts('video_features_basic', 1),
      parts('video_features_statistic', 3),
    ]);
  }
});

test('what can be chosen: a split by time, training vocabularies, buckets in order, no statistics', async () => {
  const folder = temporaryFolder();
  await writeKuaiRand(folder, { suffix: 'pure', rows: 60, users: 10, videos: 10 });
  const plain = await recipe.prepareConfig(folder);
  expect(plain).toMatchObject({
    split: { kind: 'random', seed: 2021 },
    vocabulary: { from: 'all', minCount: 2 },
    notes: [expect.stringMatching(/statistics=none/)],
  });
  const careful = await recipe.prepareConfig(folder, {
    split: 'time',
    vocabulary: 'train',
    buckets: 'quantiles',
    statistics: 'none',
  });
  expect(careful).toMatchObject({ split: { kind: 'time', column: 'time_ms' }, vocabulary: { from: 'train' } });
  expect(careful.notes).toBeUndefined();
  const isStatistic = ({ expression = '' }): boolean => expression.includes('statistics.');
  expect(careful.fields).toEqual(
    plain.fields
      .filter((field) => !isStatistic(field))
      .map((field) => (field.kind === 'numeric' ? { ...field, buckets: { quantiles: 20 } } : field)),
  );
  expect(careful.fields).toHaveLength(39);
  expect(dataset(careful).joins.map(({ source }) => source)).toEqual(['users', 'videos']);
});

test('names missing files with size and address', async () => {
  const folder = temporaryFolder({ 'user_features_27k.csv': 'x' });
  const { code, message } = await failure(recipes['kuairand-27k'].prepareConfig(folder));
  expect(code).toBe('RECIPE_FILES_MISSING');
  expect(message).toMatch(/log_standard_4_22_to_5_08_27k_part1\.csv \(.*; about 7\.1 GB\)/);
  expect(message).toMatch(/log_random_4_22_to_5_08_27k\.csv \(.*; about 87\.0 MB\)/);
  expect(message).toMatch(/zenodo\.org\/records\/10439422\/files\/KuaiRand-27K\.tar\.gz/);
  expect(message).not.toMatch(/user_features/);
});
