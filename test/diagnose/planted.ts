/** Worlds whose fields have a known part in the labels of each cell, and runs on them. */
import { join } from 'node:path';
import { datasetSchema } from '../../src/config/dataset.ts';
import { runSchema } from '../../src/config/run.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { FLOWS, LEVELS } from '../../src/data/synthetic/planted.ts';
import type { World } from '../../src/data/synthetic/world.ts';
import { createRun } from '../../src/store/run/run-folder.ts';
import { runTraining } from '../../src/train/run/run.ts';

/** The planted fields of users and items, flow by flow. */
export const PLANTED: string[] = FLOWS.flatMap(({ userField, itemField }) => [userField, itemField]);

/** Fields that no label depends on: one value per user, per item and per row. */
export const NOISE = ['user_noise', 'item_noise', 'row_noise'];

/**
 * Variance of a cell's logit that goes with each planted field, all its parts taken together: what is lost if the field is unknown.
 * A flow's effect is a table over the levels of two fields; a field's part is the variance over its own levels, in the mean over the
 * levels of the other one.
 */
export function plantedVariance({ planted }: World, scenario: number, task: number): Record<string, number> {
  return Object.fromEntries(
    FLOWS.flatMap(({ userField, itemField }, k) => {
      const table = planted.effect[scenario][task][k];
      const scale = planted.strength[scenario][task][k] ** 2;
      const at = (user: number, item: number): number => table[user * LEVELS + item];
      return [
        [userField, scale * meanOf((item) => varianceOf((user) => at(user, item)))],
        [itemField, scale * meanOf((user) => varianceOf((item) => at(user, item)))],
      ];
    }),
  );
}

const meanOf = (of: (level: number) => number): number =>
  Array.from({ length: LEVELS }, (_, level) => of(level)).reduce((sum, x) => sum + x, 0) / LEVELS;

function varianceOf(of: (level: number) => number): number {
  const mean = meanOf(of);
  return meanOf((level) => (of(level) - mean) ** 2);
}

/** Prepares rows of a world with the planted fields and those of noise, without the ids that give all of them away. */
export async function preparePlanted(world: World, folder: string, rows: number): Promise<string> {
  await world.writeParquet(join(folder, 'rows.parquet'), { rows });
  const { fields: _, ...rest } = world.datasetConfig('rows.parquet');
  const config = datasetSchema.parse({
    ...rest,
    fields: [
      ...PLANTED.map((name) => ({ kind: 'categorical', name })),
      { kind: 'categorical', name: 'user_noise', expression: 'user_id % 7' },
      { kind: 'categorical', name: 'item_noise', expression: 'item_id % 7' },
      { kind: 'categorical', name: 'row_noise', expression: 'hash("time") % 7' },
    ],
  });
  const out = join(folder, 'data');
  await prepare({ config, sourceFolder: folder, out });
  return out;
}

/** Trains a model on prepared data. */
export async function trainOn(data: string, folder: string, input: Record<string, unknown>): Promise<string> {
  const config = runSchema.parse(input);
  const { manifest } = await openPrepared(data);
  const reference = { name: manifest.name, folder: data, hash: manifest.hash };
  createRun({ model: config.model.key, config, data: reference, versions: {} }, { folder });
  await runTraining({ folder, emit: () => undefined, shouldStop: () => false });
  return folder;
}

/** Spearman's rank correlation. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (p: number[], q: number[]): number =>
    p.reduce((sum, v, i) => sum + (v - middle) * (q[i] - middle), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** Ranks from 0, ties by their mean. */
const ranks = (values: readonly number[]): number[] =>
  values.map((v) => values.filter((o) => o < v).length + (values.filter((o) => o === v).length - 1) / 2);
