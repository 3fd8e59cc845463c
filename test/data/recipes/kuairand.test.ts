import { expect, test } from 'vitest';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { dataset, failure, temporaryFolder } from '../support.ts';
import { writeKuaiRand } from './kuairand-files.ts';

const recipe = recipes['kuairand-pure'];
const LOGS = ['log_standard_4_22_to_5_08', 'log_standard_4_08_to_4_21', 'log_random_4_22_to_5_08'];

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
  const isStatistic = (field: object): boolean =>
    'expression' in field && String(field.expression).includes('statistics.');
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
