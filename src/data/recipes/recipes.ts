/** The recipes, by the key that the command line takes in place of a configuration file. */
import { aliCcp } from './ali-ccp.ts';
import { aliExpress } from './aliexpress.ts';
import { censusIncome } from './census-income.ts';
import { kuairandRecipes } from './kuairand.ts';
import { ml1m } from './ml-1m.ts';
import { ml100k } from './ml-100k.ts';
import type { Recipe } from './recipe.ts';
import { shop } from './shop.ts';
import { synthetic } from './synthetic.ts';

export const recipes: Record<string, Recipe> = Object.fromEntries(
  [ml1m, ml100k, ...kuairandRecipes, aliCcp, aliExpress, censusIncome, synthetic, shop].map((recipe) => [
    recipe.key,
    recipe,
  ]),
);
