import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { findingsOf, prepareOnce } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('05-join-multiplies');

test('a key that is another text of the same number matches nothing, so no row is doubled', async () => {
  const config = await loadDatasetConfig(join(FAULT, 't.yaml'));
  const { sizes, statistics } = await prepareOnce(config, FAULT);
  expect([sizes.reduce((a, b) => a + b), statistics.leftOut]).toEqual([400, 0]);
  const [types] = await findingsOf(config, FAULT, 'joins');
  expect(types).toMatchObject({ level: 'warn' });
  expect(types.message).toMatch(/user of source "users" is VARCHAR, user is BIGINT: keys such as "01" .* match no row/);
});
