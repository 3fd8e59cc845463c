import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DatasetConfig } from '../../src/config/dataset.ts';
import { openDuckDB, query, type Row } from '../../src/data/duckdb.ts';
import { prepare } from '../../src/data/prepare.ts';
import { recipes } from '../../src/data/recipes.ts';
import { createSourceViews, joinedRelation } from '../../src/data/sources.ts';
import { dataset, failure, fixture, readParquetRows, temporaryFolder } from './support.ts';

const shared = (name: string): string => join(import.meta.dirname, '../../../shared/data', name);

/** Runs only where the public data lie beside the repository; says so where they do not. */
const withData = (name: string) =>
  existsSync(shared(name))
    ? test
    : (title: string, ..._: unknown[]) => test.skip(`${title} (no data in ${shared(name)})`);

/** Rows per scenario with the positives of each task, straight from the sources. */
async function countCells(config: DatasetConfig, folder: string): Promise<Row[]> {
  const database = await openDuckDB();
  try {
    const sources = await createSourceViews(database.connection, config, folder);
    const tasks = config.tasks.map((t) => `count(*) FILTER (${t.label})::INTEGER AS ${t.name}`);
    const distinct = ['user_id', 'zip'].map((name) => `count(DISTINCT ${name})::INTEGER AS ${name}`);
    return await query(
      database.connection,
      `SELECT ${config.scenario.expression} AS scenario, count(*)::INTEGER AS rows, ${[...tasks, ...distinct].join(', ')}
       FROM ${joinedRelation(config, sources)} GROUP BY ALL ORDER BY ALL`,
      'counting',
    );
  } finally {
    database.close();
  }
}

describe('ml-1m', () => {
  test('is prepared as the authors do it', async () => {
    const expected = JSON.parse(readFileSync(fixture('ml1m_mini.json'), 'utf8'));
    const config = dataset(await recipes['ml-1m'].prepareConfig(fixture('ml1m_mini')));
    expect(config.fields.map((f) => f.name)).toEqual(expected.fields);
    const out = join(temporaryFolder(), 'prepared');
    const { manifest } = await prepare({ config, sourceFolder: fixture('ml1m_mini'), out });
    const sizes = manifest.fields.map((f) => [f.name, f.size - 2]); // two ids are reserved
    expect(Object.fromEntries(sizes)).toEqual(expected.kept_tokens_per_field);
  });

  withData('ml-1m-360k')('has the known counts', async () => {
    const folder = shared('ml-1m-360k');
    const cells = await countCells(dataset(await recipes['ml-1m'].prepareConfig(folder)), folder);
    expect(cells.map((c) => c.rows)).toEqual([83_710, 145_173, 130_878]);
    expect(cells.reduce((sum, c) => sum + Number(c.click), 0)).toBe(201_115);
    expect(cells.reduce((sum, c) => sum + Number(c.like), 0)).toBe(77_042);
    expect(cells.reduce((sum, c) => sum + Number(c.user_id), 0)).toBe(5977); // a user has one age
  });

  test('names every missing file and where to get it', async () => {
    const folder = temporaryFolder({ 'users.dat': '1::F::1::10::48067\n', 'movies.dat': '' });
    const { code, message, exitCode } = await failure(recipes['ml-1m'].prepareConfig(folder));
    expect({ code, exitCode }).toEqual({ code: 'RECIPE_FILES_MISSING', exitCode: 2 });
    expect(message).toMatch(/ratings\.dat \(.*24\.6 MB\)[\s\S]*movies\.dat[\s\S]*grouplens\.org/);
    expect(message).not.toMatch(/users\.dat/);
  });

  test('an age that the survey does not have is no scenario', async () => {
    const folder = temporaryFolder({
      'ratings.dat': '1::7::5::0\n',
      'users.dat': '1::F::24::10::48067\n',
      'movies.dat': '7::Amélie (2001)::Comedy\n',
    });
    const config = dataset(await recipes['ml-1m'].prepareConfig(folder));
    const { code } = await failure(prepare({ config, sourceFolder: folder, out: join(folder, 'out') }));
    expect(code).toBe('DATA_SCENARIO_UNKNOWN');
  });
});

describe('ml-100k', () => {
  const headers = {
    'u.data': 'user|item|rating|timestamp',
    'u.user': 'user|age|gender|occupation|zip',
    'u.item': `item|title|releaseDate|videoReleaseDate|imdbURL|unknown|${'g|'.repeat(18).slice(0, -1)}`,
  };
  const flags = (...ones: number[]) => Array.from({ length: 19 }, (_, i) => (ones.includes(i) ? 1 : 0)).join('|');
  const published: Record<string, string[]> = {
    'u.data': ['1\t10\t5\t100', '2\t10\t3\t200', '3\t11\t4\t300', '1\t11\t1\t400'],
    'u.user': ['1|24|M|technician|85711', '2|34|F|other|01043', '3|35|F|writer|T8H1N'],
    'u.item': [`10|Belle \xe9poque (1992)|01-Jan-1992||http://x|${flags(5, 14)}`, `11|unknown||||${flags(0)}`],
  };
  const files = (lines: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(lines).map(([name, l]) => [name, Buffer.from(`${l.join('\n')}\n`, 'latin1')]));

  const expected = [
    ['10', '24', ['Comedy', 'Romance'], '1992', 'under 25', 1, 1],
    ['10', '34', ['Comedy', 'Romance'], '1992', '25 to 34', 0, 0],
    ['11', '35', [], null, '35 and over', 1, 0],
    ['11', '24', [], null, 'under 25', 0, 0],
  ];

  test.each([
    ['the published form', published],
    [
      'the form with headers',
      Object.fromEntries(
        Object.entries(published).map(([name, lines]) => [
          name,
          [headers[name as keyof typeof headers], ...lines.map((l) => l.replaceAll('\t', '|'))],
        ]),
      ),
    ],
  ])('reads %s', async (_, lines) => {
    const folder = temporaryFolder(files(lines));
    const config = dataset(await recipes['ml-100k'].prepareConfig(folder));
    const database = await openDuckDB();
    const sources = await createSourceViews(database.connection, config, folder);
    const of = (name: string) => config.fields.find((f) => f.name === name)?.expression ?? name;
    const rows = await query(
      database.connection,
      `SELECT item_id::VARCHAR AS i, age::VARCHAR AS a, ${of('genres')} AS g, ${of('release_year')} AS y,
         ${config.scenario.expression} AS s, ${config.tasks.map((t) => `(${t.label})::INTEGER AS ${t.name}`).join(', ')}
       FROM ${joinedRelation(config, sources)} ORDER BY timestamp`,
      'reading',
    );
    database.close();
    expect(rows.map((r) => Object.values(r))).toEqual(expected);
    const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'prepared') });
    expect(manifest.fields.find((f) => f.name === 'genres')).toMatchObject({ kind: 'multi', slots: 6 });
  });

  withData('ml-100k')('has the known counts', async () => {
    const folder = shared('ml-100k');
    const config = dataset(await recipes['ml-100k'].prepareConfig(folder));
    const cells = await countCells(config, folder);
    expect(cells.map((c) => [c.scenario, c.rows])).toEqual([
      ['25 to 34', 35_444],
      ['35 and over', 38_005],
      ['under 25', 26_551],
    ]);
    expect(cells.reduce((sum, c) => sum + Number(c.click), 0)).toBe(55_375);
    expect(cells.reduce((sum, c) => sum + Number(c.like), 0)).toBe(21_201);
  });

  test('splits by time on wish; other wishes are refused by name', async () => {
    const folder = temporaryFolder(files(published));
    expect(await recipes['ml-100k'].prepareConfig(folder, { split: 'time' })).toMatchObject({
      split: { kind: 'time', column: 'timestamp' },
    });
    const { message } = await failure(recipes['ml-100k'].prepareConfig(folder, { split: 'place', rows: 3 }));
    expect(message).toMatch(/2 mistakes/);
  });

  test('has sequences on wish', async () => {
    const folder = temporaryFolder(files(published));
    const config = dataset(await recipes['ml-100k'].prepareConfig(folder, { split: 'time', sequences: '5' }));
    expect(config.sequences).toMatchObject({ item: 'item_id', length: 5, time: 'timestamp' });
    expect(dataset(await recipes['ml-100k'].prepareConfig(folder)).sequences).toBeUndefined();
    const out = join(folder, 'prepared');
    const { manifest } = await prepare({ config, sourceFolder: folder, out });
    expect(manifest.sequences).toEqual({
      itemField: 'item_id',
      length: 5,
      types: ['liked', 'loved', 'disliked'],
      from: 'earlier rows',
    });
    // The last of the four ratings is user 1's second; the first gave item 10 five stars.
    expect(await readParquetRows(join(out, 'validation.parquet'))).toMatchObject([
      { sequence_liked: [2], sequence_loved: [2], sequence_disliked: [] },
    ]);
  });
});

describe('synthetic', () => {
  test('writes rows and truth once per choice of options, and can be prepared', async () => {
    const folder = temporaryFolder();
    const wish = { rows: '2000', users: 50, seed: 3 };
    const config = dataset(await recipes.synthetic.prepareConfig(folder, wish));
    const data = join(folder, 'synthetic.parquet');
    const { ino } = statSync(data);
    await recipes.synthetic.prepareConfig(folder, wish);
    expect(statSync(data).ino).toBe(ino); // not written again
    const truth = JSON.parse(readFileSync(join(folder, 'synthetic-truth.json'), 'utf8'));
    expect(truth).toMatchObject({
      rows: 2000,
      options: { users: 50, items: 500 },
      truth: { seed: 3, tasks: ['click', 'like'] },
    });
    const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'out') });
    expect(Object.values(manifest.splits).map((s) => s.rows)).toEqual([1600, 200, 200]);
    expect(manifest.scenarios).toEqual(['feed', 'search', 'detail']);
    await recipes.synthetic.prepareConfig(folder, { ...wish, seed: 4 });
    expect(await readParquetRows(data)).toHaveLength(2000);
    expect(statSync(data).ino).not.toBe(ino);
  });

  test('refuses options that it does not have', async () => {
    const { code, message } = await failure(recipes.synthetic.prepareConfig(temporaryFolder(), { row: 5, tasks: 0 }));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toMatch(/row[\s\S]*tasks|tasks[\s\S]*row/);
  });
});
