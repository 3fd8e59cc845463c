import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDataset } from '../../src/config/load.ts';
import { openPrepared } from '../../src/data/open.ts';
import { predictInto } from '../../src/data/predict.ts';
import { fixture, prepareOnce, readParquetRows, temporaryFolder, writeParquet } from '../data/support.ts';

const FAULT = fixture('faults/04-rowid');

/** Prepares the log of a folder with its column of row numbers called `name`; predicts it by a score that knows the item. */
async function rowsWith(name: string, parquet = false) {
  const folder = temporaryFolder();
  const csv = readFileSync(join(FAULT, 'rid/log.csv'), 'utf8').replace('rid', name);
  writeFileSync(join(folder, 'log.csv'), csv);
  if (parquet) await writeParquet(join(folder, 'log.parquet'), `SELECT * FROM read_csv('${join(folder, 'log.csv')}')`);
  const input = join(folder, parquet ? 'log.parquet' : 'log.csv');
  const config = await loadDataset({
    name: 't',
    sources: { log: { path: input } },
    fields: [
      { name: 'user', kind: 'categorical', expression: '"user"' },
      { name: 'item', kind: 'categorical' },
      { name: 'ad', kind: 'categorical', hash: 50, expression: `"${name}"` },
    ],
    groupRowsBy: ['user'],
    scenario: { expression: 'place', values: ['home', 'search'] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'time', column: 't' },
  });
  const prepared = await prepareOnce(config, folder);
  const output = join(folder, 'predicted.parquet');
  const data = await openPrepared(prepared.folder);
  await predictInto({
    data,
    input,
    output,
    score: async ({ size, ids }) => Float32Array.from({ length: size }, (_, i) => ids[i * 3 + 1] / 100),
  });
  const predicted = await readParquetRows(output);
  return {
    rows: prepared.rows,
    predicted: predicted.map(({ [name]: number, ...row }): Record<string, unknown> => ({ number, ...row })),
  };
}

const NAMES = ['rowid', 'ROWID', '__row', '__order', '__order_place', 'row', 'position', 'number', 'c0', 's'];

test.each([
  ...NAMES.map((name) => [name, false]),
  ...['rowid', 'file_row_number', 'filename', 'file_index', 'split_key'].map((name) => [name, true]),
] as [string, boolean][])('a column called %s changes nothing (Parquet: %s)', async (name, parquet) => {
  const expected = await rowsWith('rid', parquet);
  const found = await rowsWith(name, parquet);
  expect(found.rows).toEqual(expected.rows);
  expect(found.predicted).toEqual(expected.predicted);
  expect(found.predicted.length).toBe(400);
  expect(found.predicted.every((row) => typeof row.probability_click === 'number')).toBe(true);
});

test.each(['rowid', '__row', 'filename', 'number'])('a column called %s joins', async (name) => {
  const folder = temporaryFolder({
    'log.csv': `item,${name},click\n${Array.from({ length: 40 }, (_, i) => `${i % 5},${100 + (i % 4)},${i % 2}`).join('\n')}\n`,
    'users.csv': `${name},age\n100,young\n101,old\n102,older\n103,oldest\n`,
  });
  const config = await loadDataset({
    name: 't',
    from: 'log',
    sources: { log: { path: 'log.csv' }, users: { path: 'users.csv' } },
    joins: [{ source: 'users', on: { [name]: name } }],
    fields: [{ name: 'age', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  const { folder: out, rows } = await prepareOnce(config, folder);
  const tokens = await readParquetRows(join(out, 'vocabularies/age.parquet'));
  expect(rows.length).toBe(40);
  expect(tokens.map((t) => t.token).sort()).toEqual(['old', 'older', 'oldest', 'young']);
});
