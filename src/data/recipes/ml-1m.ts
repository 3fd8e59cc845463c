/**
 * MovieLens 1M as the authors of AutoIFS prepare it: fields, row order, scenarios, labels, and a vocabulary that
 * includes validation and test rows. Options: another split, and sequences.
 */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { GROUPLENS_LICENCE, ratingLog, ratingOptions } from './movielens.ts';
import { defineRecipe } from './recipe.ts';

const format = { delimiter: '::', quote: '', header: false } as const;

/** An age that is none of the survey's seven gives -1, which is no scenario and so is reported. */
const SCENARIO = 'CASE WHEN age IN (1, 18) THEN 0 WHEN age = 25 THEN 1 WHEN age IN (35, 45, 50, 56) THEN 2 ELSE -1 END';

export const ml1m = defineRecipe({
  key: 'ml-1m',
  title: 'MovieLens 1M: click = rating > 3, like = rating > 4, scenario = age group',
  where: 'https://grouplens.org/datasets/movielens/1m/ (ml-1m.zip, 6 MB)',
  licence: GROUPLENS_LICENCE,
  files: [
    { path: 'ratings.dat', content: 'user::movie::rating::timestamp', bytes: 24_594_131 },
    { path: 'users.dat', content: 'user::gender::age::occupation::zip', bytes: 134_368 },
    { path: 'movies.dat', content: 'movie::title::genres', bytes: 171_308 },
  ],
  options: z.strictObject(ratingOptions),
  config: (_folder, options): DatasetInput => ({
    name: 'ml-1m',
    from: 'ratings',
    sources: {
      ratings: { ...format, path: 'ratings.dat', columns: ['user_id', 'movie_id', 'rating', 'timestamp'] },
      users: { ...format, path: 'users.dat', columns: ['user_id', 'gender', 'age', 'occupation', 'zip'] },
      // Latin-1 as published; copies have been converted to UTF-8. Encoding `auto` takes what is valid.
      movies: { ...format, path: 'movies.dat', columns: ['movie_id', 'title', 'genres'] },
    },
    joins: [
      { source: 'movies', on: { movie_id: 'movie_id' }, kind: 'inner' },
      { source: 'users', on: { user_id: 'user_id' }, kind: 'inner' },
    ],
    groupRowsBy: ['movie_id', 'user_id'],
    fields: [
      { kind: 'categorical', name: 'user_id' },
      { kind: 'categorical', name: 'movie_id' },
      { kind: 'categorical', name: 'gender' },
      { kind: 'categorical', name: 'age' },
      { kind: 'categorical', name: 'occupation' },
      { kind: 'categorical', name: 'zip' },
      { kind: 'categorical', name: 'cate_id', expression: "split_part(genres, '|', 1)" },
      { kind: 'categorical', name: 'domain_indicator', expression: SCENARIO },
    ],
    scenario: { expression: SCENARIO, values: [0, 1, 2], names: ['under 25', '25 to 34', '35 and over'] },
    ...ratingLog('movie_id', options),
    vocabulary: { from: 'all', minCount: 0 },
  }),
});
