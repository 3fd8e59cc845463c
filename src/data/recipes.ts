/** The recipes, by the key that the command line takes in place of a configuration file. */
import { aliCcp } from './recipes/ali-ccp.ts';
import { aliExpress } from './recipes/aliexpress.ts';
import { censusIncome } from './recipes/census-income.ts';
import { kuairandRecipes } from './recipes/kuairand.ts';
import { ml1m } from './recipes/ml-1m.ts';
import { ml100k } from './recipes/ml-100k.ts';
import type { Recipe } from './recipes/recipe.ts';
import { synthetic } from './recipes/synthetic.ts';

export const recipes: Record<string, Recipe> = Object.fromEntries(
  [ml1m, ml100k, ...kuairandRecipes, aliCcp, aliExpress, censusIncome, synthetic].map((recipe) => [recipe.key, recipe]),
);
