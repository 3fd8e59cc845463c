/** The data set that a command line names: a recipe of a public data set, or a configuration file. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Option } from 'commander';
import { error } from '../base/errors/index.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { parseValue } from '../config/files/override.ts';
import { loadDatasetConfig } from '../config/load.ts';
import { recipes } from '../data/recipes/recipes.ts';
import { type LandedEvent, landSources } from '../landing/land.ts';
import { count } from '../report/numbers.ts';
import { print, printJson } from './output.ts';

/** Recipes that make their own rows. */
const MADE_HERE = ['synthetic', 'shop'];

export interface DatasetOptions {
  source?: string;
  /** `path=value` texts: options of a recipe, paths of a configuration. */
  set?: string[];
  /** Rows of data that are made here. */
  rows?: number;
  seed?: number;
  /** Rows of servers and programs: what landed before, without asking again. */
  landed?: boolean;
  json?: boolean;
}

export const landedOption = (): Option =>
  new Option('--landed', 'use rows of databases and commands that landed before, without asking again');

/**
 * The configuration and the folder that its sources' paths start from, by default the configuration's own. Rows of databases and
 * programs have landed there.
 *
 * @throws FILE_MISSING, USAGE, CONFIG_INVALID, CONFIG_UNREADABLE, RECIPE_FILES_MISSING, and those of landSources
 */
export async function readDataset(
  target: string,
  command: string,
  { source, set = [], rows, seed, landed, json }: DatasetOptions,
): Promise<{ config: DatasetConfig; sourceFolder: string }> {
  const recipe = Object.hasOwn(recipes, target) ? recipes[target] : undefined;
  const usage = (problem: string) => error('USAGE', { problem, command });
  const isMade = MADE_HERE.includes(target);
  if (rows !== undefined && !isMade) throw usage(`option --rows is for the recipes ${MADE_HERE.join(' and ')} only`);
  if (recipe === undefined) {
    const expected = `a dataset configuration, or one of the recipes ${Object.keys(recipes).join(', ')}`;
    if (!existsSync(target)) throw error('FILE_MISSING', { path: target, expected });
    const dataset = { config: await loadDatasetConfig(target, set), sourceFolder: source ?? dirname(target) };
    await landSources({
      ...dataset,
      landed,
      onLanded: (event) => (json ? printJson(event) : print(landedText(event))),
    });
    return dataset;
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

function landedText({ source, fresh, folder, landing }: LandedEvent): string {
  const rows = landing.rows === undefined ? '' : `${count(landing.rows)} rows, `;
  const what = `${source}: ${rows}${count(landing.bytes)} bytes`;
  return fresh
    ? `landed ${what} of ${landing.from} in ${folder}`
    : `${what} of ${landing.from} landed ${new Date(landing.time).toISOString()} in ${folder}: not asked again`;
}
