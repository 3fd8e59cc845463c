import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { findingsOf, prepareOnce } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('06-nan-label');

test.each([
  ['.', 't.yaml', 80],
  ['label', 't.yaml', 149],
  ['label', 'advice.yaml', 149],
])('NaN is no label, nor is a comparison with it (%s/%s)', async (folder, file, positives) => {
  const source = join(FAULT, folder);
  const config = await loadDatasetConfig(join(source, file));
  const { rows } = await prepareOnce(config, source);
  const labels = rows.map((row) => row.label_click);
  expect(labels.filter((label) => label === null).length).toBe(80);
  expect(labels.filter((label) => label === 1).length).toBe(positives);
  expect((await findingsOf(config, source, 'labels')).map(({ level }) => level)).toEqual(['pass']);
});
