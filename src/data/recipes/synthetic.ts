/** The synthetic world as a data set: writes its rows and its planted truth into the source folder. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { checkOurs, readText, writeFileAtomic } from '../../base/files.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { type WorldInput, worldSchema } from '../synthetic/options.ts';
import { createWorld, plantedTruth, type World } from '../synthetic/world.ts';
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

/**
 * The world that `prepare synthetic` made the rows of.
 *
 * @param path its source folder, or the file of its truth
 * @throws FILE_MISSING, FILE_UNREADABLE, WORLD_UNREADABLE, CONFIG_INVALID
 */
export function readWorld(path: string): World {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, TRUTH) : path;
  if (!existsSync(file))
    throw error('FILE_MISSING', { path: file, expected: 'the planted truth of a synthetic world' });
  const text = readText(file, 'a planted truth');
  const id = idOf(text);
  if (typeof id !== 'string') throw error('WORLD_UNREADABLE', { path: file, problem: 'it is not JSON with an id' });
  const { options: found } = JSON.parse(text) as { options?: unknown };
  if (found === undefined) throw error('WORLD_UNREADABLE', { path: file, problem: 'its making was not finished' });
  return createWorld(found as WorldInput);
}

function idOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { id?: unknown } | null)?.id;
  } catch {
    return undefined; // a file that is not ours
  }
}
