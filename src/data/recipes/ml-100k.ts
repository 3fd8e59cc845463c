/**
 * MovieLens 100K, in the published form (u.data with tabs, u.user and u.item with pipes, no header lines) or in the
 * form with header lines and pipes throughout. The scenario is the age group, cut so that each has a fair share.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { GROUPLENS_LICENCE, ratingLog, ratingOptions } from './movielens.ts';
import { defineRecipe } from './recipe.ts';

const GENRES =
  'Action Adventure Animation Children Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western'.split(
    ' ',
  );
const genreColumn = (genre: string): string => `is_${genre.toLowerCase().replace('-', '_')}`;
const genreList = GENRES.map((genre) => `CASE WHEN ${genreColumn(genre)} = 1 THEN '${genre}' END`).join(', ');

const SCENARIO = "CASE WHEN age < 25 THEN 'under 25' WHEN age < 35 THEN '25 to 34' ELSE '35 and over' END";

export const ml100k = defineRecipe({
  key: 'ml-100k',
  title: 'MovieLens 100K: click = rating > 3, like = rating > 4, scenario = age group',
  where: 'https://grouplens.org/datasets/movielens/100k/ (ml-100k.zip, 5 MB)',
  licence: GROUPLENS_LICENCE,
  files: [
    { path: 'u.data', content: 'user, item, rating, timestamp', bytes: 1_979_173 },
    { path: 'u.user', content: 'user, age, gender, occupation, zip', bytes: 22_628 },
    { path: 'u.item', content: 'item, title, dates, address and 19 genre flags', bytes: 236_344 },
  ],
  options: z.strictObject(ratingOptions),
  config(sourceFolder, options): DatasetInput {
    const table = (path: string, delimiter: string, columns: string[]) => {
      const header = hasHeader(join(sourceFolder, path));
      return { path, delimiter: header ? '|' : delimiter, quote: '', header, columns };
    };
    return {
      name: 'ml-100k',
      from: 'ratings',
      sources: {
        ratings: table('u.data', '\t', ['user_id', 'item_id', 'rating', 'timestamp']),
        users: table('u.user', '|', ['user_id', 'age', 'gender', 'occupation', 'zip']),
        items: table('u.item', '|', [
          ...['item_id', 'title', 'release_date', 'video_release_date', 'address', 'is_unknown'],
          ...GENRES.map(genreColumn),
        ]),
      },
      joins: [
        { source: 'users', on: { user_id: 'user_id' }, kind: 'inner' },
        { source: 'items', on: { item_id: 'item_id' }, kind: 'inner' },
      ],
      fields: [
        { kind: 'categorical', name: 'user_id' },
        { kind: 'categorical', name: 'item_id' },
        { kind: 'numeric', name: 'age', buckets: { edges: [18, 25, 35, 45, 50, 56] } },
        { kind: 'categorical', name: 'gender' },
        { kind: 'categorical', name: 'occupation' },
        { kind: 'categorical', name: 'zip' },
        {
          kind: 'multi',
          name: 'genres',
          expression: `list_filter([${genreList}], lambda g: g IS NOT NULL)`,
          maxLength: 6,
        },
        { kind: 'categorical', name: 'release_year', expression: 'right(release_date, 4)' },
        { kind: 'categorical', name: 'age_group', expression: SCENARIO },
      ],
      scenario: { expression: SCENARIO, values: ['under 25', '25 to 34', '35 and over'] },
      ...ratingLog('item_id', options),
    };
  },
});

/** The published files start with a number; a header line with a name. */
function hasHeader(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(4);
    readSync(file, start, 0, 4, 0);
    return !/^\ufeff?\d/.test(start.toString());
  } finally {
    closeSync(file);
  }
}
