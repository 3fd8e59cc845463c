import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { validate, worstLevel } from '../../src/data/checks/validate.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { temporaryFolder } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('19-folders');

test.each([
  ['spark', ['log.parquet/part-00000-x.snappy.parquet']],
  ['hiveparquet', ['place=home/part-0.parquet', 'place=search/part-0.parquet']],
  ['hivecsv', ['place=home/part-0.csv', 'place=search/part-0.csv']],
])('%s', async (name, files) => {
  const folder = join(FAULT, name);
  const config = await loadDatasetConfig(join(folder, 't.yaml'));
  expect(worstLevel(await validate(config, folder))).not.toBe('fail');
  const { manifest } = await prepare({ config, sourceFolder: folder, out: join(temporaryFolder(), 'data') });
  expect(Object.values(manifest.splits).reduce((sum, { rows }) => sum + rows, 0)).toBe(400);
  expect(manifest.inputs.map(({ path }) => path)).toEqual(files);
  expect(manifest.inputs.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
});
