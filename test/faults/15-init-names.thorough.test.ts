import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { validate } from '../../src/data/checks/validate.ts';
import { init } from '../../src/data/init/init.ts';
import { temporaryFolder } from '../data/support.ts';
import { faultFolder } from './folder.ts';

test.each([
  ['chinese', ['column_1', 'column_2', 'column_3', 'column_4']],
  ['marks', ['user_id', 'user_id_2', 'user_id_3']],
])('%s: the names differ, and the proposal passes validation', async (folder, names) => {
  const path = temporaryFolder({ 'log.csv': readFileSync(join(faultFolder('15-init-names'), folder, 'log.csv')) });
  const out = join(path, 'i.yaml');
  await init([join(path, 'log.csv')], { out });
  const config = await loadDatasetConfig(out);
  expect(config.fields.map(({ name }) => name)).toEqual(names);
  expect((await validate(config, path)).filter(({ level }) => level === 'fail')).toEqual([]);
});
