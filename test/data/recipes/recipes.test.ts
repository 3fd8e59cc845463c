import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fieldExpression } from '../../../src/data/expressions/places.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { findSources } from '../../../src/data/sources/find.ts';
import { joinedRelation } from '../../../src/data/sources/joined.ts';
import { createSourceViews } from '../../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { dataset, EVERYWHERE, failure, fixture, temporaryFolder } from '../support.ts';

describe('ml-1m', () => {
  test('is prepared as the authors do it', async () => {
    const expected = JSON.parse(readFileSync(fixture('preparation/ml-1m-mini.json'), 'utf8'));
    const config = dataset(await recipes['ml-1m'].prepareConfig(fixture('preparation/ml-1m-mini')));
    expect(config.fields.map((f) => f.name)).toEqual(expected.fields);
    const out = join(temporaryFolder(), 'prepared');
    const { manifest } = await prepare({ config, sourceFolder: fixture('preparation/ml-1m-mini'), out });
    const sizes = manifest.fields.map((f) => [f.name, f.size - 2]); // two ids are reserved
    expect(Object.fromEntries(sizes)).toEqual(expected.kept_tokens_per_field);
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
    // Two letters beyond ASCII, as the published file has many: a single one would be taken for a damaged byte.
    'u.item': [`10|Belle \xe9poque, la \xe9 (1992)|01-Jan-1992||http://x|${flags(5, 14)}`, `11|unknown||||${flags(0)}`],
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
    const database = await openDuckDB(EVERYWHERE);
    const sources = await createSourceViews(database.connection, config, await findSources(config.sources, folder));
    const of = (name: string) => fieldExpression(config.fields.find((f) => f.name === name) ?? { name });
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

  test('splits by time on wish; other wishes are refused by name', async () => {
    const folder = temporaryFolder(files(published));
    expect(await recipes['ml-100k'].prepareConfig(folder, { split: 'time' })).toMatchObject({
      split: { kind: 'time', column: 'timestamp' },
    });
    const { message } = await failure(recipes['ml-100k'].prepareConfig(folder, { split: 'place', rows: 3 }));
    expect(message).toMatch(/2 mistakes/);
  });
});

describe('synthetic', () => {
  test('refuses options that it does not have', async () => {
    const { code, message } = await failure(recipes.synthetic.prepareConfig(temporaryFolder(), { row: 5, tasks: 0 }));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toMatch(/row[\s\S]*tasks|tasks[\s\S]*row/);
  });
});
