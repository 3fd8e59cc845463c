import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { readFiles, readSource } from '../read-source.ts';
import { dataset, failure, temporaryFolder } from '../support.ts';

const MARKS = { _SUCCESS: '', '.part-0.crc': 'x', _committed_1: 'x', '_temporary/0/part-9.csv': 'a\n9\n' };
const under = (folder: string, files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));

describe('a folder stands for its tables', () => {
  test.each([
    ['of Spark', { ...MARKS, 'part-00000-x-c000.csv': 'a\n1\n', 'part-00001-x-c000.csv': 'a\n2\n' }],
    ['with parts without an ending', { ...MARKS, 'part-00000': 'a\n1\n', 'part-00001': 'a\n2\n', 'part-00002': '' }],
    ['with folders in it', { ...MARKS, 'x/1.csv': 'a\n1\n', 'y/2.csv': 'a\n2\n', 'README.md': '# read me' }],
  ])('%s', async (_name, files) => {
    const folder = temporaryFolder(under('log.csv', files));
    for (const path of ['log.csv', 'log.*', ['log.csv'], join(folder, 'log.csv')]) {
      const { rows } = await readSource(folder, { path });
      expect(
        rows.map(({ a }) => a),
        String(path),
      ).toEqual(['1', '2']);
    }
  });

  test('a glob leaves out what stands beside tables', async () => {
    const files = under('log', { ...MARKS, 'part-0': 'a\n1\n', 'part-1': 'a\n2\n' });
    expect((await readFiles(files, { path: 'log/*', format: 'csv' })).rows).toHaveLength(2);
  });

  test('links are followed', async () => {
    const folder = temporaryFolder({ 'elsewhere/1.csv': 'a\n1\n' });
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'log'));
    expect((await readSource(folder, { path: 'log' })).rows).toHaveLength(1);
  });

  test('what is none is refused', async () => {
    const refused = (files: Record<string, string>) => failure(readFiles(under('log', files), { path: 'log' }));
    const empty = await refused({ _SUCCESS: '' });
    expect(empty.code).toBe('DATA_FOLDER');
    expect(empty.message).toMatch(/log \(source "t"\) is a folder with no table.*\. Name the folder or files/);
    expect((await refused({ '1.csv': 'a\n1\n', '2.json': '{"a":1}' })).message).toMatch(
      /different formats \(csv, json\)/,
    );
    expect((await refused({ '1.csv': 'a\n1\n', '_delta_log/0.json': '{}' })).message).toMatch(/Delta Lake/);
    const both = { '1.csv': 'a\n1\n', '2.json': '{"a":1}' };
    expect((await failure(readFiles(both, { path: ['1.csv', '2.json'] }))).code).toBe('DATA_FORMATS_DIFFER');
  });
});

describe('folders named column=value', () => {
  const CSV = {
    'place=home/hour=07/day=2024-01-02/n=1/1.csv': 'a\n1\n',
    'place=a%20b%3Dc/hour=12/day=2024-01-03/n=20/2.csv': 'a\n2\n',
    'place=__HIVE_DEFAULT_PARTITION__/hour=9/day=2024-01-04/n=3/3.csv': 'a\n3\n',
  };
  const expected = [
    { a: '1', place: 'home', hour: '07', day: '2024-01-02', n: '1' },
    { a: '2', place: 'a b=c', hour: '12', day: '2024-01-03', n: '20' },
    { a: '3', place: null, hour: '9', day: '2024-01-04', n: '3' },
  ];

  test.each(['csv', 'json'])('are columns of %s; their values keep their text', async (format) => {
    const files = Object.fromEntries(
      Object.entries(CSV).map(([name, content]) => [
        name.replace('csv', format),
        format === 'csv' ? content : `{"a":${content.slice(2, 3)}}\n`,
      ]),
    );
    for (const path of ['.', `**/*.${format}`]) {
      const { types, rows } = await readFiles(files, { path });
      expect(types).toEqual({ a: 'BIGINT', place: 'VARCHAR', hour: 'VARCHAR', day: 'DATE', n: 'BIGINT' });
      const inOrder = rows.sort((one, other) => Number(one.a) - Number(other.a));
      expect(inOrder).toEqual(expected);
    }
  });

  test('a column of the files wins, and the path of a file is there, too', async () => {
    const files = { 'place=home/1.csv': 'a,place\n1,x\n' };
    const { rows } = await readFiles(files, { path: '**/*.csv', fileColumn: 'file' });
    expect(rows[0]).toMatchObject({ a: '1', place: 'x', file: expect.stringMatching(/place=home\/1\.csv$/) });
  });

  test('are scenario and field of a data set, each file recorded', async () => {
    const lines = (click: number): string => `item,click\n${'x,1\ny,0\n'.repeat(10)}z,${click}\n`;
    const folder = temporaryFolder({ 'log/place=home/0.csv': lines(0), 'log/place=shop/0.csv': lines(1) });
    const config = dataset({
      name: 'hive',
      sources: { log: { path: 'log' } },
      fields: [
        { name: 'item', kind: 'categorical' },
        { name: 'place', kind: 'categorical' },
      ],
      scenario: { expression: 'place', values: ['home', 'shop'] },
      tasks: [{ name: 'click', label: 'click' }],
    });
    const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'data') });
    expect(manifest.inputs.map(({ path }) => path)).toEqual(['log/place=home/0.csv', 'log/place=shop/0.csv']);
    const data = await openPrepared(join(folder, 'data'));
    expect((await data.tokens('place')).slice(2).sort()).toEqual(['home', 'shop']);
  });
});
