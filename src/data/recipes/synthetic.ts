/** The synthetic world as a data set: writes its rows and its planted truth into the source folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checkOurs, readText, writeFileAtomic } from '../../base/files.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { worldSchema } from '../synthetic/options.ts';
import { createWorld, plantedTruth } from '../synthetic/world.ts';
import { defineRecipe } from './recipe.ts';

const DATA = 'synthetic.parquet';
/** Options, seed and planted truth of the rows next to it. */
export const TRUTH = 'synthetic-truth.json';

const options = worldSchema.safeExtend({
  rows: z.coerce.number().int().min(100).max(4_294_967_296).default(100_000),
});

export const synthetic = defineRecipe({
  key: 'synthetic',
  title: 'A synthetic world with planted scenario and task effects (see src/data/synthetic/planted.ts)',
  where: 'made on this machine; nothing to fetch',
  licence: 'none needed',
  files: [],
  options,
  async config(sourceFolder, { rows, ...worldOptions }) {
    const world = createWorld(worldOptions);
    const made = { rows, options: world.options, truth: plantedTruth(world) };
    const [data, truth] = [join(sourceFolder, DATA), join(sourceFolder, TRUTH)];
    const id = sha256(canonicalJson(made));
    if (!existsSync(data) || !existsSync(truth) || idOf(readText(truth, 'a planted truth')) !== id) {
      const isTruth = (text: string): boolean => typeof idOf(text) === 'string';
      checkOurs(truth, 'a planted truth', isTruth);
      if (!existsSync(truth)) checkOurs(data, 'the rows of a synthetic world', () => false);
      // A killed process leaves rows that are known to be ours, and not to be whole.
      writeFileAtomic(truth, JSON.stringify({ id: `unfinished ${id}` }));
      await world.writeParquet(data, { rows });
      writeFileAtomic(truth, JSON.stringify({ id, ...made }, null, 2));
    }
    return world.datasetConfig(DATA);
  },
});

function idOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { id?: unknown } | null)?.id;
  } catch {
    return undefined; // a file that is not ours
  }
}
