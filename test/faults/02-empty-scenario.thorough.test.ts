import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { findingsOf, prepareOnce } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('02-empty-scenario');

test.each(['t.yaml', 'csv.yaml'])('rows with an empty scenario are left out (%s)', async (file) => {
  const config = await loadDatasetConfig(join(FAULT, file));
  const { statistics, rows, sizes } = await prepareOnce(config, FAULT);
  expect(sizes).toEqual([256, 32, 32]);
  expect(statistics.leftOut).toBe(80);
  const scenarios = rows.map((row) => row.scenario);
  expect([0, 1, null].map((s) => scenarios.filter((found) => found === s).length)).toEqual([157, 163, 0]);
  expect(statistics.cells.filter((c) => c.scenario === 'home').reduce((sum, c) => sum + c.rows, 0)).toBe(157);
  expect((await findingsOf(config, FAULT, 'scenarios'))[0]).toMatchObject({ level: 'warn', count: 80, of: 400 });
});
