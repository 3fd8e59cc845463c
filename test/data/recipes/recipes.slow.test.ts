/** The recipes of MovieLens on the public data, and whole preparations by recipes. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DatasetConfig } from '../../../src/config/dataset.ts';
import { validate, worstLevel } from '../../../src/data/checks/validate.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { findSources } from '../../../src/data/sources/find.ts';
import { joinedRelation } from '../../../src/data/sources/joined.ts';
import { createSourceViews } from '../../../src/data/sources/views.ts';
import { openDuckDB, query, type Row } from '../../../src/data/sql/duckdb.ts';
import { dataset, EVERYWHERE, fixture, readParquetRows, temporaryFolder } from '../support.ts';

const shared = (name: string): string => join(import.meta.dirname, '../../../../shared/data', name);

/** Runs only where the public data lie beside the repository; says so where they do not. */
const withData = (name: string) =>
  existsSync(shared(name))
    ? test
    : (title: string, ..._: unknown[]) => test.skip(`${title} (no data in ${shared(name)})`);

/** Rows per scenario with the positives of each task, straight from the sources. */
async function countCells(config: DatasetConfig, folder: string): Promise<Row[]> {
  const database = await openDuckDB(EVERYWHERE);
  try {
    const sources = await createSourceViews(database.connection, config, await findSources(config.sources, folder));
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
  withData('ml-1m-360k')('has the known counts', async () => {
    const folder = shared('ml-1m-360k');
    const cells = await countCells(dataset(await recipes['ml-1m'].prepareConfig(folder)), folder);
    expect(cells.map((c) => c.rows)).toEqual([83_710, 145_173, 130_878]);
    expect(cells.reduce((sum, c) => sum + Number(c.click), 0)).toBe(201_115);
    expect(cells.reduce((sum, c) => sum + Number(c.like), 0)).toBe(77_042);
    expect(cells.reduce((sum, c) => sum + Number(c.user_id), 0)).toBe(5977); // a user has one age
  });
});

describe('ml-100k', () => {
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

  const flags = (...ones: number[]) => Array.from({ length: 19 }, (_, i) => (ones.includes(i) ? 1 : 0)).join('|');
  const published: Record<string, string[]> = {
    'u.data': ['1\t10\t5\t100', '2\t10\t3\t200', '3\t11\t4\t300', '1\t11\t1\t400'],
    'u.user': ['1|24|M|technician|85711', '2|34|F|other|01043', '3|35|F|writer|T8H1N'],
    'u.item': [`10|Belle \xe9poque, la \xe9 (1992)|01-Jan-1992||http://x|${flags(5, 14)}`, `11|unknown||||${flags(0)}`],
  };
  const files = (lines: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(lines).map(([name, l]) => [name, Buffer.from(`${l.join('\n')}\n`, 'latin1')]));

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
});

test('are sound to validate', async () => {
  const folder = temporaryFolder();
  const config = dataset(await recipes.synthetic.prepareConfig(folder, { rows: 20_000 }));
  expect(
    (await validate(config, folder)).filter(
      (f) => f.level !== 'pass' && !['cell-sizes', 'validation-size'].includes(f.check),
    ),
  ).toEqual([]);
  const mini = fixture('preparation/ml-1m-mini');
  const movies = await validate(dataset(await recipes['ml-1m'].prepareConfig(mini)), mini);
  expect(worstLevel(movies)).not.toBe('fail');
});
