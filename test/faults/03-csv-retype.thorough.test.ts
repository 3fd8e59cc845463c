import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';
import { scoreIds } from '../data/predict/score-ids.ts';
import { openRowEncoder } from '../data/row-encoder.ts';
import { temporaryFolder } from '../train/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('03-csv-retype');
const { path: folder, remove } = temporaryFolder();
let data: PreparedData;

beforeAll(async () => {
  const config = await loadDatasetConfig(join(FAULT, 't.yaml'));
  await prepare({ config, sourceFolder: FAULT, out: join(folder, 'data') });
  data = await openPrepared(join(folder, 'data'));
});
afterAll(remove);

const idsOf = async (file: string): Promise<number[][]> => (await scoreIds(data, join(FAULT, file))).ids;

test('a field that is a column keeps its texts as they were written', async () => {
  expect((await data.tokens('ver')).slice(2).sort()).toEqual(['1.1', '1.10', '1.9', '2.0']);
  expect((await data.tokens('flag')).slice(2).sort()).toEqual(['False', 'True']);
  expect(data.manifest.columns.log).toContainEqual({ name: 'ver', type: 'DOUBLE', written: true });
});

test('a row is the same whatever stands in the others', async () => {
  const [a, b, c, d, e] = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => idsOf(`${name}.csv`)));
  expect([b[0], e[0]]).toEqual([a[0], a[0]]);
  expect(d[0]).toEqual(c[0]);
  expect(b[1]).not.toEqual(a[0]);
  // None of the values of a.csv is out of vocabulary; the item 5.0 of c.csv is.
  expect(a[0].map((id, i) => id - data.manifest.fields[i].offset)).not.toContain(1);
  expect(c[0][1] - data.manifest.fields[1].offset).toBe(1);
});

test('a text that is served is the text of the CSV', async () => {
  const encoder = await openRowEncoder(data);
  const encode = (row: Record<string, unknown>): number[] => {
    const ids = new Int32Array(encoder.slots);
    encoder.encode(row, ids);
    return [...ids];
  };
  const [predicted] = await idsOf('a.csv');
  expect(encode({ user: 3, item: 5, ver: '2.0', flag: 'True' })).toEqual(predicted);
  const versions = ['1.1', '1.10', '2.0', 'no such'].map((ver) => encode({ ver })[2]);
  expect(new Set(versions).size).toBe(4);
});

test('the input comes back as it was', async () => {
  const { rows } = await scoreIds(data, join(FAULT, 'e.csv'));
  expect(rows.map(({ user, item, ver, flag }) => [user, item, ver, flag])).toEqual([
    [3n, 5n, '2.0', 'True'],
    [3n, 5n, '2.0', 'unknown'],
  ]);
  expect((await scoreIds(data, join(FAULT, 'c.csv'))).rows[0].item).toBe('5.0');
});
