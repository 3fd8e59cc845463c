/** What a recipe is: a public data set turned into a dataset configuration. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { problemsOf } from '../../config/files/problems.ts';

export interface RecipeFile {
  /** Relative to the source folder. */
  path: string;
  /** Another name that it may have, for example packed. */
  orPath?: string;
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
  /** All files of the data set; a recipe that makes its own data has none. */
  files: RecipeFile[];
  /** What can be chosen, with defaults. */
  options: z.ZodType;
  /**
   * The configuration of the data in `sourceFolder`. A recipe that makes its own data writes it there first.
   * Throws CONFIG_INVALID (naming every mistake in `options`), RECIPE_FILES_MISSING (naming every file).
   */
  prepareConfig(sourceFolder: string, options?: Record<string, unknown>): Promise<DatasetInput>;
}

/** Declares a recipe: options and files are checked before `config` is asked. */
export function defineRecipe<O>(
  recipe: Omit<Recipe, 'options' | 'prepareConfig'> & {
    options: z.ZodType<O>;
    /** Those of the files that a choice of options needs. Default: all. */
    needs?: (options: O) => RecipeFile[];
    config: (sourceFolder: string, options: O) => DatasetInput | Promise<DatasetInput>;
  },
): Recipe {
  const { config, needs, ...rest } = recipe;
  return {
    ...rest,
    async prepareConfig(sourceFolder, options = {}) {
      const parsed = rest.options.safeParse(options);
      if (!parsed.success) {
        const problems = problemsOf(parsed.error.issues, options, rest.options);
        throw error('CONFIG_INVALID', { source: `the options of the recipe ${rest.key}`, problems });
      }
      checkFiles(rest, needs?.(parsed.data) ?? rest.files, sourceFolder);
      return config(sourceFolder, parsed.data);
    },
  };
}

/** The split of AutoIFS' authors, or by a column of time: the earliest 80 % of the rows train. */
export const randomOrTime = (split: 'random' | 'time', column: string): NonNullable<DatasetInput['split']> =>
  split === 'time' ? { kind: 'time', column } : { kind: 'random', ratios: [0.8, 0.1, 0.1], seed: 2021 };

/** The name under which a file is in a folder, if it is there and not empty. */
export const foundPath = ({ path, orPath }: RecipeFile, folder: string): string | undefined =>
  [path, orPath].find(
    (name) => name !== undefined && (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0) > 0,
  );

function checkFiles({ key, where }: Pick<Recipe, 'key' | 'where'>, files: RecipeFile[], folder: string): void {
  const missing = files.filter((file) => foundPath(file, folder) === undefined);
  if (missing.length > 0) throw error('RECIPE_FILES_MISSING', { recipe: key, folder, where, missing });
}
