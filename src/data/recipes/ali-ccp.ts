/**
 * Ali-CCP, the logs of Taobao's recommendations that ESMM was published with: impressions with clicks and the purchases
 * after them. Samples refer to lines of features that many of them share (those of the user), and all features stand in
 * lists of `field \x02 feature \x03 value`, with \x01 between them. The scenario is field 301, the position, as in public
 * benchmarks of several scenarios.
 *
 * Ma et al., "Entire Space Multi-Task Model", SIGIR 2018.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { openDuckDB, query } from '../sql/duckdb.ts';
import { filePath, literal } from '../sql/text.ts';
import { defineRecipe, type RecipeFile } from './recipe.ts';

type FieldInput = DatasetInput['fields'][number];

/** Field numbers with the names that this recipe gives them; `many` may have several features. */
interface Fields {
  one: Record<string, string>;
  many: Record<string, string>;
}

const USER: Fields = {
  one: {
    user_id: '101',
    profile: '121',
    profile_group: '122',
    gender: '124',
    age: '125',
    consumption_1: '126',
    consumption_2: '127',
    occupation: '128',
    geography: '129',
  },
  many: { user_categories: '109_14', user_shops: '110_14', user_brands: '127_14', user_intentions: '150_14' },
};
const SAMPLE: Fields = {
  one: {
    item_id: '205',
    item_category: '206',
    item_shop: '207',
    item_brand: '216',
    category_match: '508',
    shop_match: '509',
    brand_match: '702',
    position: '301',
  },
  many: { item_intentions: '210', intention_match: '853' },
};

/** SQL of the feature of a field in a list of features; the empty text where it has none. */
const oneFeature = (features: string, field: string): string =>
  `split_part(split_part(chr(1) || ${features}, chr(1) || '${field}' || chr(2), 2), chr(3), 1)`;

/** SQL of the first features of a field, a list. */
const manyFeatures = (features: string, field: string, length: number): string =>
  `list_transform(list_filter(string_split(${features}, chr(1)), lambda f: starts_with(f, '${field}' || chr(2)))[:${length}], ` +
  'lambda f: split_part(split_part(f, chr(2), 2), chr(3), 1))';

/** Columns of a source: each of its fields. Lines of common features are cut up once, not once per sample. */
const cutUp = (features: string, { one, many }: Fields, length: number): Record<string, string> =>
  Object.fromEntries([
    ...Object.entries(one).map(([name, field]) => [name, oneFeature(features, field)]),
    ...Object.entries(many).map(([name, field]) => [name, manyFeatures(features, field, length)]),
  ]);

/** Are the rows of a file for training? The same feature line may have the same key in both pairs of files. */
const PART = "CASE WHEN parse_filename(file) LIKE '%_test.csv' THEN 'test' ELSE 'train' END";
/** A tenth of the training sessions, by their key. */
const SPLIT =
  "CASE WHEN part = 'train' AND md5_number_upper(common_feature_index) % 10 = 0 THEN 'validation' ELSE part END";

const options = z.strictObject({
  /** The label `conversion`: of all `impressions` (CTCVR), or of `clicks` only (CVR, no label elsewhere). */
  conversion: z.enum(['impressions', 'clicks']).default('impressions'),
  /** Features seen fewer times in training rows are out of the vocabulary. */
  minCount: z.coerce.number().int().min(1).default(10),
  /** Features kept of a field that has several. */
  length: z.coerce.number().int().min(1).max(512).default(10),
  /** Features of field 301 that are scenarios, with commas between; `auto` looks at the first samples. */
  scenarios: z
    .string()
    .regex(/^(auto|\w+(,\w+)*)$/, 'expected auto, or features with commas between')
    .default('auto'),
});

const SKELETONS = ['sample_skeleton_train.csv', 'sample_skeleton_test.csv'];
const COMMONS = ['common_features_train.csv', 'common_features_test.csv'];
const format = { delimiter: ',', quote: '', header: false, fileColumn: 'file' } as const;
const SAMPLE_COLUMNS = ['sample_id', 'click', 'conversion', 'common_feature_index', 'feature_count', 'features'];
/** Of each file; every session shows items at all positions. */
const LINES_LOOKED_AT = 200_000;

const GB = 1e9;
const file = (path: string, content: string, bytes: number): RecipeFile => ({ path, content, bytes });

export const aliCcp = defineRecipe({
  key: 'ali-ccp',
  title: 'Ali-CCP: tasks click and conversion, scenario = position (field 301)',
  where:
    'https://tianchi.aliyun.com/dataset/408 (sample_train.tar.gz and sample_test.tar.gz, unpacked into one folder)',
  licence: 'terms on the page of the data set (free account needed); cite Ma et al. 2018',
  files: [
    file(SKELETONS[0], '42.3 million samples', 10.9 * GB),
    file(COMMONS[0], 'features that samples share, 0.73 million lines', 8.6 * GB),
    file(SKELETONS[1], '43.0 million samples', 11 * GB),
    file(COMMONS[1], 'features that samples share', 10.5 * GB),
  ],
  options,
  async config(folder, { conversion, minCount, length, scenarios }): Promise<DatasetInput> {
    const values = scenarios === 'auto' ? await positions(folder) : scenarios.split(',');
    return {
      name: 'ali-ccp',
      from: 'samples',
      sources: {
        samples: {
          path: SKELETONS,
          ...format,
          columns: SAMPLE_COLUMNS,
          derive: { part: PART, ...cutUp('features', SAMPLE, length) },
        },
        users: {
          path: COMMONS,
          ...format,
          columns: ['common_feature_index', 'user_feature_count', 'user_features'],
          derive: { part: PART, ...cutUp('user_features', USER, length) },
        },
      },
      joins: [{ source: 'users', on: { part: 'part', common_feature_index: 'common_feature_index' } }],
      // A few samples have a purchase without a click; all published preparations leave them out.
      where: 'NOT (click = 0 AND conversion = 1)',
      fields: [...fields(USER, length), ...fields(SAMPLE, length)],
      scenario: { expression: 'position', values, names: values.map((value) => `position ${value}`) },
      tasks: [
        { name: 'click', label: 'click' },
        {
          name: 'conversion',
          label: conversion === 'clicks' ? 'CASE WHEN click = 1 THEN conversion END' : 'conversion',
        },
      ],
      group: 'user_id',
      split: { kind: 'column', column: SPLIT },
      vocabulary: { from: 'train', minCount },
    };
  },
});

const fields = ({ one, many }: Fields, maxLength: number): FieldInput[] => [
  ...Object.keys(one).map((name): FieldInput => ({ kind: 'categorical', name })),
  ...Object.keys(many).map((name): FieldInput => ({ kind: 'multi', name, maxLength })),
];

/** The features of field 301 among the first samples of both files, in their order. */
async function positions(folder: string): Promise<string[]> {
  const files = SKELETONS.map((name) => join(folder, name));
  const { connection, close } = await openDuckDB({ access: { files } });
  try {
    const lines = files.map(
      (file) =>
        `(SELECT features FROM read_csv(${filePath(file)}, auto_detect = false, delim = ',', quote = '', escape = '', ` +
        `header = false, columns = {${SAMPLE_COLUMNS.map((c) => `${literal(c)}: 'VARCHAR'`).join(', ')}}) LIMIT ${LINES_LOOKED_AT})`,
    );
    const rows = await query(
      connection,
      `SELECT DISTINCT ${oneFeature('features', SAMPLE.one.position)} AS position FROM (${lines.join(' UNION ALL ')})
       WHERE position <> '' ORDER BY length(position), position`,
      'looking for the scenarios of Ali-CCP',
    );
    return rows.map(({ position }) => String(position));
  } finally {
    close();
  }
}
