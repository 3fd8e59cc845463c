/** Defaults from the size of the data. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { versions } from '../../../src/base/version.ts';
import { loadRunConfig } from '../../../src/config/load.ts';
import type { Manifest } from '../../../src/data/prepared/prepared.ts';
import { findModel, models } from '../../../src/model/registry.ts';
import { createRun } from '../../../src/store/run/run-folder.ts';
import { dataDefaults } from '../../../src/train/run/data-defaults.ts';

/** With one field of 500 values (and two reserved ids), unless another number is given. */
const ofRows = (rows: number, values = 500): Pick<Manifest, 'splits' | 'fields'> => {
  const split = { rows, file: '', sha256: '' };
  const field = { name: 'user', kind: 'categorical', offset: 0, size: values + 2, slots: 1, pooling: 'mean' } as const;
  return { splits: { train: split, validation: split, test: split }, fields: [field] };
};

test('an epoch has about 235 steps where batches of 256 to 4,096 rows allow it', () => {
  const batches = [1_000, 120_000, 5_000_000].map((rows) => dataDefaults(findModel('mmoe'), ofRows(rows)));
  expect(batches).toMatchObject([256, 511, 4096].map((batchSize) => ({ train: { batchSize } })));
});

test('training takes these options from the data, and no other: each is worth something (docs/reproduction.md)', () => {
  const ofData = { batchSize: 511, learningRate: 2e-3, patience: 2, idDecay: 'auto', weightAverage: 0.998 };
  expect(dataDefaults(findModel('mmoe'), ofRows(120_000))).toHaveProperty('train', ofData);
  expect(dataDefaults(findModel('autoifs'), ofRows(120_000))).toHaveProperty('train', { ...ofData, searchEpochs: 3 });
});

test.each([...models.keys()])('%s takes them', async (key) => {
  const flags = { model: { key } };
  const run = await loadRunConfig({ models, flags, defaults: () => dataDefaults(findModel(key), ofRows(120_000)) });
  expect(run.model.pairs).toBe(true);
  expect(run.train).toMatchObject({ idDecay: 'auto', weightAverage: 0.998, patience: 2 });
});

test('pairs are for data with ids', () => {
  const pairs = [499, 500].map((values) => dataDefaults(findModel('mmoe'), ofRows(120_000, values)));
  expect(pairs).toMatchObject([{ model: { pairs: false } }, { model: { pairs: true } }]);
});

test('a shared bottom is smaller on small data', () => {
  const models = [120_000, 2_000_000].map((rows) => dataDefaults(findModel('shared-bottom'), ofRows(rows)));
  expect(models).toMatchObject([{ model: { bottomDims: [64, 32], towerDims: [] } }, { model: { pairs: true } }]);
  expect(models[1]).not.toHaveProperty('model.bottomDims');
});

test('AutoIFS is small on small data, and as published on much or with a preset', async () => {
  const flags = { model: { key: 'autoifs' } };
  const load = (rows: number, preset?: string) =>
    loadRunConfig({ models, flags, preset, defaults: (key) => dataDefaults(findModel(key), ofRows(rows)) });
  const widths = [await load(120_000), await load(2_000_000), await load(120_000, 'ml-1m')].map(
    ({ model }) => model.mlpDims,
  );
  expect((await load(120_000)).train.searchEpochs).toBe(3);
  expect(widths).toEqual([[64, 32], [1024, 512, 256], expect.any(Array)]);
  expect(widths[2]).toEqual((findModel('autoifs').presets['ml-1m'].model as { mlpDims: number[] }).mlpDims);
});

test('a model of a user without the option pairs gets none', () => {
  const options = z.strictObject({ key: z.literal('own').default('own'), embeddingDim: z.int(), dropout: z.number() });
  const own = { ...findModel('mmoe'), key: 'own', options };
  expect(dataDefaults(own, ofRows(10))).toHaveProperty('model', {});
});

test('a warm start keeps the model options of the run that it starts from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  const model = { key: 'mmoe', pairs: false, experts: 3 };
  const { folder: run } = createRun(
    { model: 'mmoe', config: { model }, data: { name: 'd', folder: '/d', hash: 'h' }, versions: versions() },
    { folder: join(folder, 'run') },
  );
  expect(dataDefaults(findModel('mmoe'), ofRows(10), run)).toHaveProperty('model', model);
  // Another model: its own options; the check of the warm start names both.
  expect(dataDefaults(findModel('star'), ofRows(10), run)).toHaveProperty('model', {});
  expect(() => dataDefaults(findModel('mmoe'), ofRows(10), join(folder, 'no'))).toThrow(
    expect.objectContaining({ code: 'RUN_NOT_FOUND' }),
  );
  rmSync(folder, { recursive: true });
});
