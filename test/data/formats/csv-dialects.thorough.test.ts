import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readFiles } from '../read-source.ts';
import { failure } from '../support.ts';

const rowsOf = async (content: string | Uint8Array, settings: Record<string, unknown> = {}) => {
  const { rows } = await readFiles({ 't.csv': content }, { path: 't.csv', ...settings });
  return rows.map((row) => Object.values(row));
};
const refused = (content: string | Uint8Array, settings: Record<string, unknown> = {}, name = 't.csv') =>
  failure(readFiles({ [name]: content }, { path: name, ...settings }));

describe('parts of a source', () => {
  test('with other delimiters, orders of columns, quotes and encodings', async () => {
    const { rows } = await readFiles(
      {
        '1.csv': 'name,n\n"x, y",1\n',
        '2.csv': 'n;name\n2;"z;w"\n',
        '3.csv': 'N\tNAME\n3\tü|v\n',
        '4.csv': Buffer.from('name;n\nü;4\né;5\n', 'latin1'),
      },
      { path: '*.csv' },
    );
    expect(rows).toEqual([
      { name: 'x, y', n: '1' },
      { name: 'z;w', n: '2' },
      { name: 'ü|v', n: '3' },
      { name: 'ü', n: '4' },
      { name: 'é', n: '5' },
    ]);
  });

  test('the first of which does not show the delimiter', async () => {
    const files = { '1.csv': 'a;b\n', '2.csv': 'a;b\n1;x,y\n2;z,w\n', '3.csv': 'a;b\n3;v\n' };
    const { rows } = await readFiles(files, { path: '*.csv' });
    expect(rows.map(({ a, b }) => [a, b])).toEqual([
      ['1', 'x,y'],
      ['2', 'z,w'],
      ['3', 'v'],
    ]);
  });

  test('one without the header of the others', async () => {
    const { rows } = await readFiles({ '1.csv': 'a,b\n1,x\n', '2.csv': '2,y\n3,z\n' }, { path: '*.csv' });
    expect(rows).toHaveLength(3);
  });
});

describe('escape characters', () => {
  test('of MySQL', async () => {
    expect(await rowsOf('a,b\n1,"say \\"hi\\", he said"\n2,"a\\\\b"\n')).toEqual([
      ['1', 'say "hi", he said'],
      ['2', 'a\\b'],
    ]);
  });

  test('far below the lines that are looked at', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i},"x, y"`);
    const rows = await rowsOf(`a,b\n${lines.join('\n')}\n7,"the \\"last\\", one"\n`);
    expect(rows.at(-1)).toEqual(['7', 'the "last", one']);
  });

  test('a backslash at the end of a value in quotes is one', async () => {
    expect(await rowsOf('a,b\n1,"C:\\dir\\"\n2,"x, y"\n')).toEqual([
      ['1', 'C:\\dir\\'],
      ['2', 'x, y'],
    ]);
  });

  test('a backslash that may stay or go is for the configuration to decide', async () => {
    const text = 'a,b\n1,"say \\"hi\\""\n2,"p\\q, r"\n';
    const { code, message } = await refused(text);
    expect(code).toBe('DATA_CSV_INVALID');
    expect(message).toMatch(/line 3: .*Set "escape"/);
    expect((await rowsOf(text, { escape: '\\' }))[1]).toEqual(['2', 'pq, r']);
  });

  test('quotes written twice', async () => {
    expect(await rowsOf('a,b\n1,"say ""hi"""\n')).toEqual([['1', 'say "hi"']]);
  });
});

describe('line ends', () => {
  test.each([
    ['carriage returns and line feeds', 'a,b\r\n1,x\r\n2,y\r\n'],
    ['both kinds', 'a,b\r\n1,x\n2,y\r\n'],
    ['carriage returns alone', 'a,b\r1,x\r2,y\r'],
    ['empty lines', 'a,b\n\n1,x\n\n2,y\n\n'],
    ['none at the end', 'a,b\n1,x\n2,y'],
  ])('%s', async (_name, text) => {
    expect(await rowsOf(text)).toEqual([
      ['1', 'x'],
      ['2', 'y'],
    ]);
  });

  test('other ones within quotes stay', async () => {
    expect(await rowsOf('a,b\r\n1,"x\ny"\r\n2,z\r\n')).toEqual([
      ['1', 'x\ny'],
      ['2', 'z'],
    ]);
    expect(await rowsOf('a,b\n1,"x\ny"\r\n2,"say ""z"""\n')).toEqual([
      ['1', 'x\ny'],
      ['2', 'say "z"'],
    ]);
  });

  test('of both kinds with a ragged line, a quote that nothing ends, or a lone return are errors', async () => {
    expect((await refused('a,b\r\n1,x\n2\r\n')).message).toMatch(/line 3/);
    expect((await refused('a,b\r\n1,x\n2,"y\r\n3,z\n')).message).toMatch(/line 3: .*nothing ends the quoted value/);
    expect((await refused('a,b\n1,x\ry\n2,z\n')).code).toMatch(/DATA_CSV_/);
    expect((await refused('a,b\r\n1,x\n3,z\r4,w\n')).code).toMatch(/DATA_CSV_/);
  });
});

describe('encodings', () => {
  const mixed = (good: string, bad: number) =>
    Buffer.concat([Buffer.from(good), Buffer.from([bad]), Buffer.from('\n')]);

  test('one bad byte, in plain text and among good characters, also packed', async () => {
    expect((await refused(mixed('a,b\n1,x\n2,y', 0xe9))).details).toMatchObject({ line: 3, byte: 12, found: '0xe9' });
    expect((await refused(mixed('a,b\n1,ü\n2,y', 0xc3))).details).toMatchObject({ line: 3, byte: 13 });
    const packed = gzipSync(mixed('a,b\n1,ü\n2,y', 0xff));
    expect((await refused(packed, {}, 't.csv.gz')).details).toMatchObject({ line: 3, byte: 13 });
  });

  test('Latin-1 where nothing is UTF-8; Windows-1252 is named', async () => {
    expect(await rowsOf(Buffer.from('a,b\n1,Café\n2,Zürich\n', 'latin1'))).toEqual([
      ['1', 'Café'],
      ['2', 'Zürich'],
    ]);
    const windows = Buffer.from([...Buffer.from('a,b\n1,'), 0x93, 0xe9, 0x94, ...Buffer.from('\n2,'), 0xe9, 0x0a]);
    expect((await refused(windows)).message).toMatch(/line 2 .*0x93 \("“" in Windows-1252\)/);
    expect((await refused(windows, { encoding: 'latin-1' })).message).toMatch(/line 2 .*0x93/);
  });

  test('big-endian UTF-16 is named', async () => {
    const swapped = Buffer.from('\ufeffa,b\n1,x\n2,y\n', 'utf16le').swap16();
    expect(await refused(swapped)).toMatchObject({
      code: 'DATA_ENCODING_UNSUPPORTED',
      message: expect.stringMatching(/is big-endian UTF-16, .*Convert the file to UTF-8/),
    });
  });

  test('a byte order mark before quotes, also around a delimiter', async () => {
    const { types } = await readFiles({ 't.csv': '\ufeff"us,er","item"\n1,2\n3,4\n' }, { path: 't.csv' });
    expect(Object.keys(types)).toEqual(['us,er', 'item']);
  });
});

describe('files that are no tables are named', () => {
  test.each([
    ['a workbook', 't.xlsx', 'PK\x03\x04....', /workbook of a spreadsheet/],
    ['gzip without its ending', 't.csv', gzipSync('a,b\n1,2\n'), /packed with gzip/],
    ['plain text with the ending of gzip', 't.csv.gz', 'a,b\n1,2\n', /not packed/],
    ['Parquet', 't.csv', 'PAR1....', /a Parquet file/],
    ['an error page', 't.csv', '<!DOCTYPE html>\n<html><body>404</body></html>\n', /HTML page/],
    ['JSON lines', 't.csv', '{"a": 1}\n{"a": 2}\n', /is JSON/],
    ['an SQLite database', 't.csv', 'SQLite format 3\0....', /SQLite/],
    ['CSV called Parquet', 't.parquet', 'a,b\n1,2\n', /begins with "a,b\\n1,2\\n"/],
    ['CSV called JSON', 't.json', 'a,b\n1,2\n', /begins with/],
  ])('%s', async (_what, name, content, expected) => {
    const { code, message } = await refused(content, {}, name);
    expect(code).toBe('DATA_FILE_KIND');
    expect(message).toMatch(expected);
    expect(message).toContain(name);
  });
});
