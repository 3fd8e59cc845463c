/**
 * What a data set is: sources, fields, scenario, tasks and split. A dataset configuration is all that `prepare` needs;
 * recipes of public data sets are functions that return one.
 */
import { z } from 'zod';
import { fieldSchema } from './dataset/fields.ts';
import { distinctNames, name, namesOf, PROTOTYPE, sql } from './dataset/names.ts';
import { sequences } from './dataset/sequences.ts';
import { join, source, withPlaces } from './dataset/sources.ts';
import { split } from './dataset/split.ts';

/** Readable names of the scenarios, in order of their index. */
export const scenarioNames = ({ names, values }: { names?: string[]; values: (string | number)[] }): string[] =>
  names ?? values.map(String);

const task = z.strictObject({
  name,
  /** SQL that gives 0, 1, true, false or nothing (missing: the row does not count for this task). */
  label: sql,
});

export const datasetSchema = z
  .strictObject({
    name: z.string().min(1),
    /** What a reader of results must know, for example that a field leaks: reports repeat it. */
    notes: z.array(z.string().min(1)).optional(),
    sources: z
      .record(name, source)
      .refine((s) => Object.keys(s).length > 0, 'name at least one source')
      .superRefine(distinctNames('sources', Object.keys))
      .transform(withPlaces),
    /** The source whose rows are the examples. Default: the only source. */
    from: name.optional(),
    joins: z.array(join).default([]),
    /** Keeps only rows for which this is true. */
    where: sql.optional(),
    /**
     * Keeps one row of those that are the same: in every column of the source of the examples (true), or in what the
     * expressions in `by` give (a column of ids, say), of which the first or last in the order of the files stays. Rows for which
     * one of them is missing all stay.
     */
    deduplicate: z
      .union([
        z.boolean(),
        z.strictObject({
          by: z.union([sql.transform((one) => [one]), z.array(sql).min(1)]),
          keep: z.enum(['first', 'last']).default('first'),
        }),
      ])
      .optional(),
    /**
     * Row order before the split: each step groups the rows by a column, groups in order of first appearance, rows of
     * a group in the order before the step. Default: the order of the files.
     */
    groupRowsBy: z.array(z.string()).default([]),
    fields: z.array(fieldSchema).min(1).superRefine(distinctNames('fields', namesOf)),
    scenario: z
      .strictObject({
        /** SQL that gives the scenario of a row: one of `values`, as text or number. */
        expression: sql,
        /** The scenarios in order of their index 0..S-1. Rows with another value are an error; a missing one drops the row. */
        values: z.array(z.union([z.string(), z.int()])).min(1),
        /** Readable names, one per value. Default: the values. */
        names: z.array(z.string().min(1)).optional(),
      })
      .superRefine(distinctNames('scenarios', scenarioNames))
      .refine(({ values }) => new Set(values.map(String)).size === values.length, 'a value is listed twice')
      .refine((scenario) => !scenarioNames(scenario).includes('__proto__'), PROTOTYPE),
    tasks: z.array(task).min(1).superRefine(distinctNames('tasks', namesOf)),
    /** Weight of a row in the training loss: above 0, finite, in every row. Default: 1. */
    weight: sql.optional(),
    /** Key of grouped AUC, for example the user. */
    group: sql.optional(),
    sequences: sequences.optional(),
    split: split.default({ kind: 'random', ratios: [0.8, 0.1, 0.1], seed: 2021 }),
    vocabulary: z
      .strictObject({
        /** Rows that vocabularies and quantiles are taken from. `all` is the authors' choice; it lets test tokens in. */
        from: z.enum(['train', 'all']).default('train'),
        minCount: z.int().min(0).default(1),
        /** Over data sets whose vocabularies go on: sightings add up until a token is admitted, and tokens may leave again. */
        lifecycle: z
          .strictObject({
            /** When a row was seen: a date or time. */
            time: sql,
            /** A token leaves once the counted rows of so many days have not had it. Default: never. */
            evictAfterDays: z.number().positive().max(36_500).optional(),
          })
          .optional(),
      })
      .default({ from: 'train', minCount: 1 }),
  })
  .superRefine((dataset, context) => {
    const sources = Object.keys(dataset.sources);
    const unknown = (path: (string | number)[], found: string) =>
      context.addIssue({
        code: 'custom',
        path,
        message: `there is no source "${found}" (sources: ${sources.join(', ')})`,
      });
    if (dataset.from === undefined && sources.length > 1)
      context.addIssue({
        code: 'custom',
        path: ['from'],
        message: `say which source's rows are the examples: ${sources.join(', ')}`,
      });
    if (dataset.from !== undefined && !sources.includes(dataset.from)) unknown(['from'], dataset.from);
    dataset.joins.forEach((j, i) => {
      if (!sources.includes(j.source)) unknown(['joins', i, 'source'], j.source);
    });
    const items = dataset.fields.filter(({ kind }) => kind === 'categorical').map((field) => field.name);
    if (dataset.sequences !== undefined && !items.includes(dataset.sequences.item))
      context.addIssue({
        code: 'custom',
        path: ['sequences', 'item'],
        message: `there is no categorical field "${dataset.sequences.item}" (categorical fields: ${items.join(', ')})`,
      });
    for (const [i, message] of reservedFields(dataset))
      context.addIssue({ code: 'custom', path: ['fields', i], message });
    for (const [path, message] of rateProblems(dataset)) context.addIssue({ code: 'custom', path, message });
    const { names, values } = dataset.scenario;
    if (names !== undefined && names.length !== values.length)
      context.addIssue({
        code: 'custom',
        path: ['scenario', 'names'],
        message: `${names.length} names for ${values.length} values`,
      });
  });

/** Windows opens these as devices, whatever stands behind a dot: `con.parquet`. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/** Fields by their place whose names have another meaning where they would be used. */
function reservedFields({ fields, sequences }: { fields: { name: string }[]; sequences?: object }): [number, string][] {
  const has = (name: string): boolean => fields.some((field) => field.name === name);
  return fields.flatMap(({ name }, i): [number, string][] => {
    const say = (why: string): [number, string][] => [
      [i, `the field "${name}" needs another name (its "expression" may stay): ${why}`],
    ];
    if (DEVICE.test(name)) return say('Windows takes a file of that name for a device');
    if (name === 'sequences' && sequences !== undefined) return say('requests give the sequences of a user under it');
    if (name === 'fields' && has('id')) return say('next to a field "id", requests give values of items under it');
    return [];
  });
}

type Problem = [path: (string | number)[], message: string];

/** What rates name and is not there, or is of no use to them. */
function rateProblems({
  fields,
  tasks,
  split,
}: {
  fields: z.output<typeof fieldSchema>[];
  tasks: { name: string }[];
  split: { kind: string };
}): Problem[] {
  const usable = fields.filter(({ kind }) => kind === 'categorical' || kind === 'numeric').map(({ name }) => name);
  const taskNames = namesOf(tasks);
  return fields.flatMap((field, i): Problem[] => {
    if (field.kind !== 'rate') return [];
    const problems: Problem[] = field.of.flatMap((name, k) => {
      if (usable.includes(name)) return [];
      const message = `there is no categorical or numeric field "${name}" (such fields: ${usable.join(', ')})`;
      return [[['fields', i, 'of', k], message]];
    });
    if (!taskNames.includes(field.task))
      problems.push([['fields', i, 'task'], `there is no task "${field.task}" (tasks: ${taskNames.join(', ')})`]);
    if (field.from === 'earlier' && split.kind !== 'time')
      problems.push([
        ['fields', i, 'from'],
        `"earlier" needs the split time, found ${split.kind}: take folds, or leave it out`,
      ]);
    return problems;
  });
}

/** A source as it is read, from what a user writes. */
export const parseSource = (input: z.input<typeof source>): DatasetConfig['sources'][string] =>
  withPlaces({ source: source.parse(input) }).source;

/** May a source or a column be called so? */
export const isName = (text: string): boolean => name.safeParse(text).success;

/** A dataset configuration with every default filled in. */
export type DatasetConfig = z.output<typeof datasetSchema>;

/** A dataset configuration as a user writes it. */
export type DatasetInput = z.input<typeof datasetSchema>;

/** Gives a configuration module its types: `export default defineDataset({ ... })`. */
export const defineDataset = (dataset: DatasetInput): DatasetInput => dataset;

export type FieldConfig = DatasetConfig['fields'][number];

/** A field whose value a row brings, and one whose value follows from others. */
export type RateField = Extract<FieldConfig, { kind: 'rate' }>;
export type ValueField = Exclude<FieldConfig, RateField>;

export const isRate = (field: FieldConfig): field is RateField => field.kind === 'rate';

/** The fields that rows bring, with their places among all. */
export const valueFields = (fields: readonly FieldConfig[]): { field: ValueField; index: number }[] =>
  fields.flatMap((field, index) => (isRate(field) ? [] : [{ field, index }]));

export const rateFields = (fields: readonly FieldConfig[]): { field: RateField; index: number }[] =>
  fields.flatMap((field, index) => (isRate(field) ? [{ field, index }] : []));

export type SplitName = 'train' | 'validation' | 'test';
