/** The recipes of public data sets on generated files of their layout: values, labels and parts, by their descriptions alone. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DatasetConfig, DatasetInput } from '../../../src/config/dataset.ts';
import { fieldExpression } from '../../../src/data/expressions/places.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { findSources } from '../../../src/data/sources/find.ts';
import { joinedRelation } from '../../../src/data/sources/joined.ts';
import { createSourceViews } from '../../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { embed } from '../../../src/data/sql/text.ts';
import { dataset, EVERYWHERE, failure, temporaryFolder } from '../support.ts';
import { POSITIONS, writeAliCcp } from './ali-ccp-files.ts';
import { writeAliExpress } from './aliexpress-files.ts';
import { censusArchive, censusLines, censusText } from './census-files.ts';

/** A row of a configuration: values of the fields, and what else is computed of it. */
interface Example {
  fields: Record<string, unknown>;
  labels: unknown[];
  scenario: unknown;
  part: unknown;
}

/** The rows of a configuration in the order of the files, every value as text, lists as lists of texts. */
async function examples(input: DatasetInput, folder: string): Promise<Example[]> {
  const config: DatasetConfig = dataset(input);
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    const sources = await createSourceViews(connection, config, await findSources(config.sources, folder));
    const columns = [
      ...config.fields.map((field, i) => {
        const sql = embed(fieldExpression(field));
        return field.kind === 'multi' ? `${sql} AS f${i}` : `${sql}::VARCHAR AS f${i}`;
      }),
      ...config.tasks.map(({ label }, t) => `${embed(label)}::INTEGER AS l${t}`),
      `${embed(config.scenario.expression)}::VARCHAR AS scenario`,
      `${'column' in config.split ? config.split.column : "''"} AS part`,
    ];
    const where = config.where === undefined ? '' : `WHERE ${embed(config.where)}`;
    const relation = joinedRelation(config, sources, { rowNumbers: true });
    const sql = `SELECT ${columns.join(', ')} FROM ${relation} ${where} ORDER BY __row`;
    return (await query(connection, sql, 'reading')).map((row) => ({
      fields: Object.fromEntries(config.fields.map(({ name }, i) => [name, row[`f${i}`]])),
      labels: config.tasks.map((_, t) => row[`l${t}`]),
      scenario: row.scenario,
      part: row.part,
    }));
  } finally {
    close();
  }
}

const lines = (folder: string, name: string): string[] =>
  readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');

describe('ali-ccp', () => {
  const recipe = recipes['ali-ccp'];
  const generated = async (): Promise<string> => {
    const folder = temporaryFolder();
    await writeAliCcp(folder, { rows: 300, commons: 40, behaviours: 8 });
    return folder;
  };
  const ONE: Record<string, string> = {
    ...{ user_id: '101', profile: '121', profile_group: '122', gender: '124', age: '125', consumption_1: '126' },
    ...{ consumption_2: '127', occupation: '128', geography: '129', item_id: '205', item_category: '206' },
    ...{ item_shop: '207', item_brand: '216', category_match: '508', shop_match: '509', brand_match: '702' },
    position: '301',
  };
  const MANY: Record<string, string> = {
    ...{ user_categories: '109_14', user_shops: '110_14', user_brands: '127_14', user_intentions: '150_14' },
    ...{ item_intentions: '210', intention_match: '853' },
  };

  /** Fields -> their features, of a list. */
  function features(text: string): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const entry of text.split('\x01')) {
      const [field, rest = ''] = entry.split('\x02');
      found.set(field, [...(found.get(field) ?? []), rest.split('\x03')[0]]);
    }
    return found;
  }

  test('joins samples with the features that they share; lists keep their first features', async () => {
    const folder = await generated();
    const found = await examples(await recipe.prepareConfig(folder, { length: 3 }), folder);
    const expected: Example[] = [];
    for (const part of ['train', 'test']) {
      const commons = new Map(
        lines(folder, `common_features_${part}.csv`).map((line) => [line.split(',')[0], line.split(',')[2]]),
      );
      for (const line of lines(folder, `sample_skeleton_${part}.csv`)) {
        const [, click, conversion, common, , sample] = line.split(',');
        if (click === '0' && conversion === '1') continue;
        const all = features(`${sample}\x01${commons.get(common)}`);
        const one = Object.entries(ONE).map(([name, field]) => [name, all.get(field)?.[0] || null]);
        const many = Object.entries(MANY).map(([name, field]) => [name, (all.get(field) ?? []).slice(0, 3)]);
        const labels = [Number(click), Number(conversion)];
        expected.push({ fields: Object.fromEntries([...one, ...many]), labels, scenario: all.get('301')?.[0], part });
      }
    }
    expect(expected.length).toBeLessThan(600); // conversions without a click are there, and left out
    expect(found.map((row) => ({ ...row, part: row.part === 'validation' ? 'train' : row.part }))).toEqual(expected);
    const shared = found.filter(({ part }) => part === 'validation').length / 300;
    expect(shared).toBeGreaterThan(0);
    expect(shared).toBeLessThan(0.3);
  });

  test('finds the positions, unless they are given; labels of clicks only on wish', async () => {
    const folder = await generated();
    const { scenario, vocabulary } = await recipe.prepareConfig(folder);
    expect([scenario.values, vocabulary]).toEqual([POSITIONS.map(String), { from: 'train', minCount: 10 }]);
    const given = await recipe.prepareConfig(folder, { scenarios: '7,8', conversion: 'clicks', minCount: '1' });
    expect(given.scenario.values).toEqual(['7', '8']);
    const found = await examples(given, folder);
    for (const { labels } of found) expect(labels[1] === null).toBe(labels[0] === 0);
  });

  test('names the files that are missing with their sizes', async () => {
    const { message } = await failure(recipe.prepareConfig(temporaryFolder({ 'common_features_test.csv': 'x' })));
    expect(message).toMatch(/sample_skeleton_train\.csv \(42\.3 million samples; about 10\.9 GB\)/);
    expect(message).toMatch(/tianchi\.aliyun\.com\/dataset\/408/);
    expect(message).not.toMatch(/common_features_test/);
  });
});

describe('aliexpress', () => {
  const recipe = recipes.aliexpress;

  test('countries are scenarios, searches stay together', async () => {
    const folder = temporaryFolder();
    await writeAliExpress(folder, 400, ['NL', 'US']);
    const config = await recipe.prepareConfig(folder, { countries: 'US,NL' });
    expect(config.fields.length).toBe(80);
    const found = await examples(config, folder);
    const expected = ['US', 'NL'].flatMap((country) =>
      ['train', 'test'].flatMap((part) =>
        lines(folder, `AliExpress_${country}/${part}.csv`)
          .slice(1)
          .map((line) => ({ values: line.split(','), country, part })),
      ),
    );
    expect(found.length).toBe(expected.length);
    const parts = new Map<string, Set<unknown>>();
    found.forEach((row, i) => {
      const { values, country, part } = expected[i];
      expect(Object.values(row.fields).slice(0, 79).map(Number)).toEqual(values.slice(1, 80).map(Number));
      expect([row.fields.country, row.scenario, ...row.labels]).toEqual([
        country,
        country,
        ...values.slice(80).map(Number),
      ]);
      const search = `${country} ${part} ${values[0]}`;
      parts.set(search, (parts.get(search) ?? new Set()).add(row.part));
      expect(row.part === 'test').toBe(part === 'test');
    });
    expect([...parts.values()].every((seen) => seen.size === 1)).toBe(true);
    const validation = found.filter(({ part }) => part === 'validation').length / 800;
    expect(validation).toBeGreaterThan(0.02);
    expect(validation).toBeLessThan(0.2);
  });

  test('needs the files of the countries that are wished for', async () => {
    const folder = temporaryFolder();
    const { message } = await failure(recipe.prepareConfig(folder, { countries: 'FR' }));
    expect(message).toMatch(/AliExpress_FR\/train\.csv \(18\.2 million impressions; about 9\.1 GB\)/);
    expect(message).not.toMatch(/AliExpress_NL/);
    for (const countries of ['XX', 'NL,NL', '']) {
      const { code } = await failure(recipe.prepareConfig(folder, { countries }));
      expect(code).toBe('CONFIG_INVALID');
    }
  });
});

describe('census-income', () => {
  const recipe = recipes['census-income'];
  const [train, others] = [censusLines(300, 1), censusLines(200, 2)];
  const generated = (): string =>
    temporaryFolder({ 'census-income.data.gz': censusArchive(train), 'census-income.test': censusText(others) });
  const known = (value: string): string | null => (value === '?' ? null : value);

  test('reads both files, packed or not; the test file is halved', async () => {
    const folder = generated();
    const config = await recipe.prepareConfig(folder);
    const found = await examples(config, folder);
    const columns = dataset(config).sources.persons.columns ?? [];
    expect(columns.length).toBe(42);
    const without = ['instance_weight', 'income', 'marital_stat'];
    const expected = [...train, ...others].map((line) => ({
      fields: columns.flatMap((name, c) => (without.includes(name) ? [] : [known(line[c])])),
      labels: [line[41] === '50000+.' ? 1 : 0, line[7] === 'Never married' ? 1 : 0],
      scenario: line[12],
    }));
    expect(found.map(({ fields, labels, scenario }) => ({ fields: Object.values(fields), labels, scenario }))).toEqual(
      expected,
    );
    expect(found.slice(0, 300).every(({ part }) => part === 'train')).toBe(true);
    const validation = found.slice(300).filter(({ part }) => part === 'validation').length;
    expect(validation).toBeGreaterThan(70);
    expect(validation).toBeLessThan(130);
  });

  test('the pair education, other scenarios, and no household', async () => {
    const folder = generated();
    renameSync(join(folder, 'census-income.data.gz'), join(folder, 'census-income.test.gz')); // the unpacked one counts
    writeFileSync(join(folder, 'census-income.data'), censusText(train));
    const wish = { tasks: 'education', scenario: 'year', household: 'none' };
    const config = await recipe.prepareConfig(folder, wish);
    expect(config.notes).toBeUndefined();
    expect((await recipe.prepareConfig(folder)).notes?.[0]).toMatch(/household=none/);
    const found = await examples(config, folder);
    const expected = [...train, ...others].map((line) => [/college|degree/.test(line[4]) ? 1 : 0, line[40]]);
    expect(found.map(({ labels, scenario }) => [labels[0], scenario])).toEqual(expected);
    expect(Object.keys(found[0].fields)).not.toEqual(expect.arrayContaining(['det_hh_summ']));
    expect(Object.keys(found[0].fields)).toEqual(expect.arrayContaining(['income']));
    const single = dataset(await recipe.prepareConfig(folder, { scenario: 'none' }));
    expect((await examples(single, folder)).every(({ scenario }) => scenario === 'all')).toBe(true);
  });

  test('names the files by both names', async () => {
    const { message } = await failure(recipe.prepareConfig(temporaryFolder()));
    expect(message).toMatch(/census-income\.data or census-income\.data\.gz \(199,523 persons; about 104\.0 MB\)/);
  });
});

test('docs/data.md has a line for every recipe, with its address', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/data.md'), 'utf8');
  const table = [...page.matchAll(/^\| `([\w-]+)` \|.*\]\(([^)]*)\) \|$/gm)].map(([, key, address]) => [key, address]);
  expect(table.map(([key]) => key)).toEqual(Object.keys(recipes));
  for (const [key, address] of table) {
    const { files, where } = recipes[key];
    if (files.length === 0)
      expect(address).toMatch(/^#/); // made here: a section of the page
    else expect(where).toContain(new URL(address).host);
  }
});
