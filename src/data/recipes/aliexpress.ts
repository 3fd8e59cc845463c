/**
 * The logs of AliExpress' search in several countries, each of them a scenario, in the form in which MTReclib keeps them:
 * a folder per country with `train.csv` and the later `test.csv`; 16 categorical and 63 numeric features, without names.
 *
 * Li et al., "Improving Multi-Scenario Learning to Rank in E-commerce by Exploiting Task Relationships in the Label
 * Space", CIKM 2020.
 */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { defineRecipe, type RecipeFile } from './recipe.ts';

type FieldInput = DatasetInput['fields'][number];

const COUNTRIES = ['NL', 'ES', 'FR', 'US'] as const;
type Country = (typeof COUNTRIES)[number];

/** Lines of `train.csv` and `test.csv`, in millions. */
const LINES: Record<Country, [number, number]> = {
  NL: [12.2, 5.6],
  ES: [22.3, 9.3],
  FR: [18.2, 8.8],
  US: [19.9, 7.5],
};
/** Characters of a line, about. */
const LINE = 500;

const [CATEGORICAL, NUMERIC] = [16, 63];

const folderOf = (country: string): string => `AliExpress_${country}`;
const filesOf = (country: Country): RecipeFile[] =>
  (['train', 'test'] as const).map((part, i) => ({
    path: `${folderOf(country)}/${part}.csv`,
    content: `${LINES[country][i]} million impressions`,
    bytes: LINES[country][i] * 1e6 * LINE,
  }));

const NOTE =
  'Validation rows are a tenth of the searches of the training files; published results on these data often stop and ' +
  'choose by the test rows.';

const options = z.strictObject({
  /** Countries with commas between, in the order of the scenarios. */
  countries: z
    .string()
    .default(COUNTRIES.join(','))
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(COUNTRIES)).refine((all) => new Set(all).size === all.length, 'a country twice')),
  /** The label `conversion`: of all `impressions` (CTCVR), or of `clicks` only (CVR, no label elsewhere). */
  conversion: z.enum(['impressions', 'clicks']).default('impressions'),
  /** Of the numeric features, which lie between 0 and 1. */
  quantiles: z.coerce.number().int().min(2).max(1000).default(20),
});

const numbered = (n: number, name: string): string[] => Array.from({ length: n }, (_, i) => `${name}_${i + 1}`);

/** Searches are numbered anew in every file. */
const SEARCH = "country || '/' || part || '/' || search_id";

export const aliExpress = defineRecipe({
  key: 'aliexpress',
  title: 'AliExpress search: tasks click and conversion, scenario = country',
  where:
    'https://github.com/easezyc/Multitask-Recommendation-Library (prepared files, or its data/preprocess.py on the archives of ' +
    'https://tianchi.aliyun.com/dataset/74690)',
  licence: 'terms on the page of the data set at Tianchi; cite Li et al. 2020',
  files: COUNTRIES.flatMap(filesOf),
  options,
  needs: ({ countries }) => countries.flatMap(filesOf),
  config(_folder, { countries, conversion, quantiles }): DatasetInput {
    const fields: FieldInput[] = [
      ...numbered(CATEGORICAL, 'categorical').map((name): FieldInput => ({ kind: 'categorical', name })),
      ...numbered(NUMERIC, 'numerical').map((name): FieldInput => ({ kind: 'numeric', name, buckets: { quantiles } })),
      { kind: 'categorical', name: 'country' },
    ];
    return {
      name: 'aliexpress',
      notes: [NOTE],
      sources: {
        searches: {
          path: countries.flatMap((country) => filesOf(country).map(({ path }) => path)),
          delimiter: ',',
          quote: '',
          header: true,
          fileColumn: 'file',
          derive: {
            country: "replace(split_part(file, '/', -2), 'AliExpress_', '')",
            part: "replace(parse_filename(file), '.csv', '')",
          },
        },
      },
      fields,
      scenario: { expression: 'country', values: countries },
      tasks: [
        { name: 'click', label: 'click' },
        {
          name: 'conversion',
          label: conversion === 'clicks' ? 'CASE WHEN click = 1 THEN conversion END' : 'conversion',
        },
      ],
      group: SEARCH,
      split: {
        kind: 'column',
        column: `CASE WHEN part = 'train' AND md5_number_upper(${SEARCH}) % 10 = 0 THEN 'validation' ELSE part END`,
      },
    };
  },
});
