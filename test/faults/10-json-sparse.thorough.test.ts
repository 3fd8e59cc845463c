import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { inspectSources } from '../data/inspect-sources.ts';
import { temporaryFolder } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('10-json-sparse');

test('rare keys are columns, and frequent ones stay', async () => {
  const config = await loadDatasetConfig(join(FAULT, 't.yaml'));
  const { sources } = await inspectSources(config, FAULT);
  expect(sources[0].rows).toBe(400);
  expect(sources[0].columns).toHaveLength(301);
  const { manifest } = await prepare({ config, sourceFolder: FAULT, out: join(temporaryFolder(), 'data') });
  expect(Object.values(manifest.splits).reduce((sum, { rows }) => sum + rows, 0)).toBe(400);
});
