/** Importance of models trained on worlds whose fields have a known part in every cell. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createWorld } from '../../src/data/synthetic/world.ts';
import { measureImportance } from '../../src/diagnose/importance/importance.ts';
import { NOISE, PLANTED, plantedVariance, preparePlanted, rankCorrelation, trainOn } from './planted.ts';

const SEEDS = [1, 2, 3];
const ROWS = 60_000;

interface Pair {
  field: string;
  variance: number;
  found: { value: number; low: number; high: number };
}

/** Every field in every cell. */
async function measure(seed: number): Promise<Pair[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-importance-'));
  try {
    const world = createWorld({ seed, users: 20_000, items: 5000 });
    const data = await preparePlanted(world, folder, ROWS);
    const training = { maxEpochs: 6, patience: 2, batchSize: 512 };
    const run = await trainOn(data, join(folder, 'run'), { model: { key: 'mmoe' }, train: training });
    const { features } = await measureImportance(run);
    const tasks = world.planted.tasks.length;
    return features.flatMap(({ name, cells }) =>
      cells.flatMap(({ aucLoss }, c) => {
        const variance = plantedVariance(world, Math.floor(c / tasks), c % tasks)[name] ?? 0;
        return aucLoss === null ? [] : [{ field: name, variance, found: aucLoss }];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const silent: Pair[] = [];
afterAll(() => {
  const covered = silent.filter(({ found }) => found.low <= 0 && found.high >= 0).length;
  console.info(`intervals that contain 0: ${covered} of ${silent.length} of fields without a part in the cell`);
});

test.each(SEEDS)('of world %i: AUC lost ranks fields and cells as their planted variance does', async (seed) => {
  const pairs = await measure(seed);
  silent.push(...pairs.filter(({ variance }) => variance === 0));
  const planted = pairs.filter(({ field }) => PLANTED.includes(field));
  expect(planted).toHaveLength(48);
  const correlation = rankCorrelation(
    planted.map(({ variance }) => variance),
    planted.map(({ found }) => found.value),
  );
  console.info(`world ${seed}: rank correlation ${correlation.toFixed(3)} over ${planted.length} fields of cells`);
  expect(correlation).toBeGreaterThan(0.9);
  // What has a part is shown to have one.
  expect(planted.filter(({ variance, found }) => variance > 0 && found.low <= 0)).toEqual([]);
});

test('intervals of fields without a part contain 0, in 95 % of the cells or more', () => {
  expect(silent.filter(({ field }) => NOISE.includes(field))).toHaveLength(SEEDS.length * 18);
  const covered = silent.filter(({ found }) => found.low <= 0 && found.high >= 0).length;
  expect(covered / silent.length).toBeGreaterThanOrEqual(0.95);
});
