/** The data set that a command line names: a recipe of a public data set, or a configuration file. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { error } from '../base/errors/index.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { parseValue } from '../config/files/override.ts';
import { loadDatasetConfig } from '../config/load.ts';
import { recipes } from '../data/recipes/recipes.ts';

/** Recipes that make their own rows. */
const MADE_HERE = ['synthetic', 'shop'];

export interface DatasetOptions {
  source?: string;
  /** `path=value` texts: options of a recipe, paths of a configuration. */
  set?: string[];
  /** Rows of data that are made here. */
  rows?: number;
  seed?: number;
}

/**
 * The configuration and the folder that its sources' paths start from. Sources default to the configuration's own folder.
 *
 * @throws FILE_MISSING, USAGE, CONFIG_INVALID, CONFIG_UNREADABLE, RECIPE_FILES_MISSING
 */
export async function readDataset(
  target: string,
  command: string,
  { source, set = [], rows, seed }: DatasetOptions,
): Promise<{ config: DatasetConfig; sourceFolder: string }> {
  const recipe = Object.hasOwn(recipes, target) ? recipes[target] : undefined;
  const usage = (problem: string) => error('USAGE', { problem, command });
  const isMade = MADE_HERE.includes(target);
  if (rows !== undefined && !isMade) throw usage(`option --rows is for the recipes ${MADE_HERE.join(' and ')} only`);
  if (recipe === undefined) {
    const expected = `a dataset configuration, or one of the recipes ${Object.keys(recipes).join(', ')}`;
    if (!existsSync(target)) throw error('FILE_MISSING', { path: target, expected });
    return { config: await loadDatasetConfig(target, set), sourceFolder: source ?? dirname(target) };
  }
  if (source === undefined) throw usage(`the recipe ${target} needs --source: the folder of its files`);
  const world = isMade ? { ...(rows && { rows }), ...(seed !== undefined && { seed }) } : {};
  const config = await recipe.prepareConfig(source, { ...recipeOptions(set, usage), ...world });
  return { config: await loadDatasetConfig(config), sourceFolder: source };
}

function recipeOptions(set: string[], usage: (problem: string) => Error): Record<string, unknown> {
  return Object.fromEntries(
    set.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw usage(`--set ${text}: expected name=value`);
      return [text.slice(0, at), parseValue(text.slice(at + 1))];
    }),
  );
}
