import { describe, expect, test } from 'vitest';
import { findSources } from '../../../src/data/sources/find.ts';
import { createSourceViews } from '../../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { inspectSources } from '../inspect-sources.ts';
import { dataset, EVERYWHERE, failure, fixture, ML1M, temporaryFolder } from '../support.ts';

/** A data set over one source `t`; what the fields are does not matter here. */
const over = (source: Record<string, unknown>) =>
  dataset({
    name: 'test',
    sources: { t: { path: 't.csv', ...source } },
    fields: [{ name: 'a', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: '1' }],
  });

const types = async (folder: string, source: Record<string, unknown> = {}) => {
  const { sources } = await inspectSources(over(source), folder);
  return Object.fromEntries(sources[0].columns.map((c) => [c.name, c.type]));
};

describe('inspectSources', () => {
  test('joins of files with a delimiter of two characters', async () => {
    const { sources, columns } = await inspectSources(dataset(ML1M), fixture('preparation/ml-1m-mini'));
    expect(sources.map((s) => [s.name, s.format, s.rows])).toEqual([
      ['ratings', 'csv', 420],
      ['users', 'csv', 30],
      ['movies', 'csv', 24],
    ]);
    expect(columns.map((c) => `${c.name} ${c.type}`)).toEqual([
      'user_id BIGINT',
      'movie_id BIGINT',
      'rating BIGINT',
      'timestamp BIGINT',
      'title VARCHAR',
      'genres VARCHAR',
      'gender VARCHAR',
      'age BIGINT',
      'occupation BIGINT',
      'zip VARCHAR',
    ]);
  });

  test('a column is a number only where its text can be had back', async () => {
    const folder = temporaryFolder({
      't.csv': 'zip,long,price,flag,id,empty,half\n01234,12345678901234567890,1.50,True,7,,\n12345,1,2,false,-8,,3\n',
    });
    expect(await types(folder)).toEqual({
      zip: 'VARCHAR',
      long: 'VARCHAR',
      price: 'DOUBLE',
      flag: 'BOOLEAN',
      id: 'BIGINT',
      empty: 'VARCHAR',
      half: 'BIGINT',
    });
  });

  test('types hold for all rows, not for a sample of them', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${i},${i},${i},`);
    rows[29_999] = '29999,007,0.5,1';
    expect(await types(temporaryFolder({ 't.csv': `a,b,c,d\n${rows.join('\n')}\n` }))).toEqual({
      a: 'BIGINT',
      b: 'VARCHAR',
      c: 'DOUBLE',
      d: 'BIGINT', // empty in the sample
    });
  });

  test.each([
    ['utf-8', Buffer.from('a;b\nü;1\n日本;2\n')],
    ['utf-16', Buffer.from('\ufeffa;b\nü;1\n日本;2\n', 'utf16le')],
    ['latin-1', Buffer.from('a;b\nü;1\né;2\n', 'latin1')],
  ])('finds out %s and the delimiter', async (_name, bytes) => {
    expect(await types(temporaryFolder({ 't.csv': bytes }))).toEqual({ a: 'VARCHAR', b: 'BIGINT' });
  });

  test('globs, lists, JSON lines', async () => {
    const folder = temporaryFolder({
      'day/2.csv': 'a,b\n3,x\n',
      'day/1.csv': 'a,b\n1,x\n2,y\n',
      'more.csv': 'a,b\n4,z\n',
      'rows.jsonl': '{"a": 1, "day": "2024-01-02", "tags": ["x"]}\n{"a": 2.5}\n',
    });
    const { sources } = await inspectSources(over({ path: ['more.csv', 'day/*.csv'] }), folder);
    expect(sources[0].files.map((f) => f.slice(folder.length))).toEqual(['/more.csv', '/day/1.csv', '/day/2.csv']);
    expect(sources[0].rows).toBe(4);
    expect(await types(folder, { path: 'rows.jsonl' })).toEqual({ a: 'DOUBLE', day: 'VARCHAR', tags: 'VARCHAR[]' });
  });
});

describe('columns beside those of the files', () => {
  const FILES = { 'nl/t.csv': 'a;b\n1|2;x\n', 'us/t.csv': 'a;b\n3;y\n' };
  const rows = async (source: Record<string, unknown>, folder: string): Promise<unknown[][]> => {
    const { connection, close } = await openDuckDB(EVERYWHERE);
    try {
      await createSourceViews(connection, over(source), await findSources(over(source).sources, folder));
      const { length } = folder;
      const found = await query(connection, 'SELECT * FROM sources.t', 'reading');
      return found.map((row) =>
        Object.values(row).map((v) => (String(v).startsWith(folder) ? String(v).slice(length) : v)),
      );
    } finally {
      close();
    }
  };
  const derive = {
    country: "split_part(file, '/', -2)",
    parts: "string_split(a, '|')",
    first: 'parts[1]',
    b: "'not this'",
  };
  const expected = [
    ['1|2', 'x', '/nl/t.csv', 'nl', ['1', '2'], '1'],
    ['3', 'y', '/us/t.csv', 'us', ['3'], '3'],
  ];

  test('are computed once per row of a source; a column of the files wins', async () => {
    const folder = temporaryFolder(FILES);
    const source = { path: '*/t.csv', fileColumn: 'file', derive };
    const found = await rows(source, folder);
    expect(found.map((row) => row.map((v) => (v as { items?: unknown }).items ?? v))).toEqual(expected);
    expect(await types(folder, source)).toMatchObject({ file: 'VARCHAR', parts: 'VARCHAR[]', b: 'VARCHAR' });
  });

  test('of Parquet and of JSON lines', async () => {
    const folder = temporaryFolder(FILES);
    const { connection, close } = await openDuckDB(EVERYWHERE);
    for (const country of ['nl', 'us']) {
      const lines = `SELECT * FROM read_csv('${folder}/${country}/t.csv', all_varchar = true)`;
      for (const format of ['parquet', 'json'])
        await query(connection, `COPY (${lines}) TO '${folder}/${country}/t.${format}' (FORMAT ${format})`, 'writing');
    }
    close();
    for (const format of ['parquet', 'json']) {
      const found = await rows({ path: `*/t.${format}`, fileColumn: 'file', derive }, folder);
      const paths = expected.map((row) => row.with(2, String(row[2]).replace('csv', format)));
      expect(found.map((row) => row.map((v) => (v as { items?: unknown }).items ?? v))).toEqual(paths);
    }
  });

  test('one that cannot be computed is named', async () => {
    const folder = temporaryFolder({ 't.csv': 'a;b\n1;x\n' });
    const { code, message } = await failure(types(folder, { derive: { c: 'lengthh(a)' } }));
    expect(code).toBe('DATA_EXPRESSION_INVALID');
    expect(message).toMatch(/sources\.t\.derive\.c: the expression lengthh\(a\) cannot be used/);
  });
});

describe('bad input', () => {
  const files = async (content: Record<string, string | Uint8Array>, source: Record<string, unknown> = {}) =>
    failure(inspectSources(over(source), temporaryFolder(content)));

  test('a missing file', async () => {
    const e = await files({});
    expect(e.code).toBe('DATA_FILES_MISSING');
    expect(e.message).toContain('t.csv');
  });

  test('an empty file, and a header alone', async () => {
    expect((await files({ 't.csv': '' })).code).toBe('DATA_FILE_EMPTY');
    expect((await files({ 't.csv': 'a,b\n' }, { header: true })).code).toBe('DATA_FILE_EMPTY');
  });

  test('a ragged line is named', async () => {
    const e = await files({ 't.csv': 'a,b,c\n1,2,3\n4,5\n6,7,8\n' });
    expect(e.code).toBe('DATA_CSV_ROW');
    expect(e.details).toMatchObject({ line: 3, expected: 3, found: 2, delimiter: ',', text: '4,5' });
  });

  test('a wrong delimiter', async () => {
    const e = await files({ 't.csv': '1,2,3\n4,5,6\n' }, { delimiter: '::', columns: ['a', 'b', 'c'] });
    expect(e.code).toBe('DATA_CSV_ROW');
    expect(e.message).toContain('The delimiter may be wrong');
  });

  test('files of one source with different columns', async () => {
    const e = await files({ '1.csv': 'a,b\nx,2\n', '2.csv': 'a,c\nx,2\n' }, { path: '*.csv', header: true });
    expect(e.code).toBe('DATA_CSV_COLUMNS');
    expect(e.details).toMatchObject({ found: ['a', 'c'], expected: ['a', 'b'] });
  });

  test('invalid UTF-8 is named by line and byte, also far inside the file', async () => {
    const start = 'a,b\n'.concat('1,ä\n'.repeat(300_000));
    const bytes = Buffer.concat([Buffer.from(`${start}2,`), Buffer.from([0xe9]), Buffer.from('x\n3,y\n')]);
    const e = await files({ 't.csv': bytes }, { encoding: 'utf-8' });
    expect(e.code).toBe('DATA_ENCODING');
    expect(e.details).toMatchObject({ line: 300_002, byte: Buffer.byteLength(start) + 3 });
  });

  test('a truncated Parquet file', async () => {
    const e = await files({ 't.parquet': 'PAR1 and then nothing of use' }, { path: 't.parquet' });
    expect(e.code).toBe('DATA_FILE_DAMAGED');
    expect(e.message).toContain('t.parquet');
    expect(e.message).not.toMatch(/LINE 1|Invalid Input Error/);
  });

  test('broken JSON lines', async () => {
    const e = await files({ 't.jsonl': '{"a": 1}\n{"a": \n' }, { path: 't.jsonl' });
    expect(e.code).toBe('DATA_FILE_DAMAGED');
    expect(e.message).toMatch(/line [23]/);
  });
});
