/** What a recipe is: a public data set turned into a dataset configuration. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { problemsOf } from '../../config/problems.ts';

export interface RecipeFile {
  /** Relative to the source folder. */
  path: string;
  /** What is in it, for a reader who has to find it. */
  content: string;
  /** About how large the published file is. */
  bytes: number;
}

export interface Recipe {
  /** What the command line calls it. */
  key: string;
  title: string;
  /** Where the files come from. */
  where: string;
  licence: string;
  /** Files that must be there; a recipe that makes its own data has none. */
  files: RecipeFile[];
  /** What can be chosen, with defaults. */
  options: z.ZodType;
  /**
   * The configuration of the data in `sourceFolder`. A recipe that makes its own data writes it there first.
   * Throws RECIPE_FILES_MISSING (naming every file), CONFIG_INVALID (naming every mistake in `options`).
   */
  prepareConfig(sourceFolder: string, options?: Record<string, unknown>): Promise<DatasetInput>;
}

/** Declares a recipe: files and options are checked before `config` is asked. */
export function defineRecipe<O>(
  recipe: Omit<Recipe, 'options' | 'prepareConfig'> & {
    options: z.ZodType<O>;
    config: (sourceFolder: string, options: O) => DatasetInput | Promise<DatasetInput>;
  },
): Recipe {
  const { config, ...rest } = recipe;
  return {
    ...rest,
    async prepareConfig(sourceFolder, options = {}) {
      checkFiles(rest, sourceFolder);
      const parsed = rest.options.safeParse(options);
      if (parsed.success) return config(sourceFolder, parsed.data);
      const problems = problemsOf(parsed.error.issues, options, rest.options);
      throw error('CONFIG_INVALID', { source: `the options of the recipe ${rest.key}`, problems });
    },
  };
}

function checkFiles({ key, where, files }: Pick<Recipe, 'key' | 'where' | 'files'>, folder: string): void {
  const missing = files.filter(({ path }) => !(statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0));
  if (missing.length > 0) throw error('RECIPE_FILES_MISSING', { recipe: key, folder, where, missing });
}
