/**
 * What a data set is: sources, fields, scenario, tasks and split. A dataset configuration is all that `prepare` needs;
 * recipes of public data sets are functions that return one.
 */
import { z } from 'zod';

/** An SQL expression over the columns of the joined sources (DuckDB's dialect), e.g. `rating > 3`. */
const sql = z.string().min(1);

export const PROTOTYPE = 'the name __proto__ has a meaning of its own in JavaScript: choose another';

const name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name has letters, digits and underscores and does not start with a digit')
  .refine((text) => text !== '__proto__', PROTOTYPE);

interface Issues {
  addIssue(issue: { code: 'custom'; message: string }): void;
}

/**
 * A check that names differ, whatever their case: DuckDB takes `item` and `Item` for one column, the file systems of macOS
 * and Windows take them for one file. Each pair is reported.
 */
function distinctNames<T>(what: string, namesIn: (value: T) => readonly string[]): (value: T, context: Issues) => void {
  return (value, context) => {
    const names = namesIn(value);
    names.forEach((text, i) => {
      const first = names.findIndex((other) => other.toLowerCase() === text.toLowerCase());
      if (first === i) return;
      const message =
        names[first] === text
          ? `two ${what} have the same name: "${text}"`
          : `two ${what} have names that differ in case alone: "${names[first]}" and "${text}". Databases and file systems may take them for one: rename one of them`;
      context.addIssue({ code: 'custom', message });
    });
  };
}

const namesOf = (entries: readonly { name: string }[]): string[] => entries.map((entry) => entry.name);

/** Readable names of the scenarios, in order of their index. */
export const scenarioNames = ({ names, values }: { names?: string[]; values: (string | number)[] }): string[] =>
  names ?? values.map(String);

/** One table: a file, a glob or a list of them, relative to the source folder. */
const source = z.strictObject({
  path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  format: z.enum(['auto', 'csv', 'parquet', 'json']).default('auto'),
  /** CSV only: any text of 1 to 4 bytes, e.g. "::" or "\t". Found out by looking when absent. */
  delimiter: z.string().min(1).max(4).optional(),
  /** CSV only. "auto" takes UTF-8 where it is valid, Latin-1 where no character beyond ASCII is. */
  encoding: z.enum(['auto', 'utf-8', 'latin-1', 'utf-16']).default('auto'),
  /** CSV only: does the first line name the columns? Found out by looking when absent. */
  header: z.boolean().optional(),
  /** CSV only: column names for a file without a header line. */
  columns: z.array(z.string().min(1)).optional(),
  quote: z.string().max(1).optional(),
  /** CSV only: what stands before a quote within quotes: the quote itself, or a backslash (Spark, MySQL). Found out by looking when absent. */
  escape: z.string().max(1).optional(),
  /** CSV only: texts that mean "no value", the empty one besides. */
  nullValues: z.array(z.string()).default(['']),
  /** Name of a column that holds the path of the file that a row comes from. */
  fileColumn: name.optional(),
  /** Column -> SQL over the columns of this source: computed once per row of it, before joins. A column of the files wins. */
  derive: z.record(name, sql).superRefine(distinctNames('columns', Object.keys)).optional(),
});

const join = z.strictObject({
  source: name,
  /** Column of the rows so far -> column of the joined source. */
  on: z.record(z.string(), z.string()).refine((on) => Object.keys(on).length > 0, 'name at least one pair of columns'),
  kind: z.enum(['left', 'inner']).default('left'),
});

const fieldBase = {
  name,
  /** Default: the column of that name. */
  expression: sql.optional(),
};

const categorical = z.strictObject({
  ...fieldBase,
  kind: z.literal('categorical'),
  /** Tokens seen fewer times get the out-of-vocabulary id. Default: `vocabulary.minCount`. */
  minCount: z.int().min(0).optional(),
  /** Hash tokens into this many ids instead of building a vocabulary. */
  hash: z.int().min(1).optional(),
});

const numeric = z.strictObject({
  ...fieldBase,
  kind: z.literal('numeric'),
  /**
   * How a number becomes a token. `logSquare`: v > 2 -> floor(ln(v)^2), else truncated (AutoIFS' authors; not monotone).
   * `{ quantiles: n }`: n buckets of about equal size, edges taken from the vocabulary's rows.
   * `{ edges: [...] }`: bucket = how many edges are <= v.
   */
  buckets: z
    .union([
      z.literal('logSquare'),
      z.strictObject({ quantiles: z.int().min(2).max(1000) }),
      z.strictObject({
        edges: z
          .array(z.number())
          .min(1)
          .refine((e) => e.every((v, i) => i === 0 || v > e[i - 1]), 'edges must rise'),
      }),
    ])
    .default('logSquare'),
  minCount: z.int().min(0).optional(),
});

const multi = z.strictObject({
  ...fieldBase,
  kind: z.literal('multi'),
  /** Between the values of a text column; a list column needs none. */
  separator: z.string().min(1).default('|'),
  /** Values kept per row, the first ones. */
  maxLength: z.int().min(1).max(512).default(8),
  /** How the embeddings of a row's values become one. */
  pooling: z.enum(['mean', 'sum']).default('mean'),
  minCount: z.int().min(0).optional(),
  hash: z.int().min(1).optional(),
});

/** A field's configuration; an artifact keeps it for the row encoder. */
export const fieldSchema = z.discriminatedUnion('kind', [categorical, numeric, multi]);

const task = z.strictObject({
  name,
  /** SQL that gives 0, 1, true, false or nothing (missing: the row does not count for this task). */
  label: sql,
});

const ratios = z
  .tuple([z.number().positive(), z.number().min(0), z.number().min(0)])
  .refine((r) => Math.abs(r[0] + r[1] + r[2] - 1) < 1e-9, 'the three shares must sum to 1');

const split = z.discriminatedUnion('kind', [
  /** The exact 8:1:1 recipe of AutoIFS' authors (MT19937 permutation of the row numbers); train keeps the permuted order. */
  z.strictObject({
    kind: z.literal('random'),
    ratios: ratios.default([0.8, 0.1, 0.1]),
    seed: z.int().min(0).default(2021),
  }),
  /** Earliest rows train, latest test; ties never straddle a border. Rows without a time are left out. */
  z.strictObject({ kind: z.literal('time'), column: sql, ratios: ratios.default([0.8, 0.1, 0.1]) }),
  /** All rows of one user (or any key) on the same side, by a seeded hash. */
  z.strictObject({
    kind: z.literal('key'),
    column: sql,
    ratios: ratios.default([0.8, 0.1, 0.1]),
    seed: z.int().min(0).default(2021),
  }),
  /** A column says it: its values name the part. */
  z.strictObject({
    kind: z.literal('column'),
    column: sql,
    train: z.string().default('train'),
    validation: z.string().default('validation'),
    test: z.string().default('test'),
  }),
]);

/** Of a row's key (the user), the items of the last rows before the row's time: one sequence for each type of behaviour. */
const sequences = z.strictObject({
  /** SQL: whose sequences they are. Rows without a key or a time have empty ones and feed none. */
  key: sql,
  /** SQL: a number, date, time, or a text that says one. Equal times are not earlier. */
  time: sql,
  /** The categorical field that is the item; sequences share its vocabulary. */
  item: name,
  /** Items of a sequence at most, the latest ones. */
  length: z.int().min(1).max(512).default(20),
  /** Name of a type -> SQL condition: which rows count for it. */
  types: z
    .record(name, sql)
    .refine((types) => Object.keys(types).length > 0, 'name at least one type')
    .superRefine(distinctNames('types', Object.keys)),
});

export const datasetSchema = z
  .strictObject({
    name: z.string().min(1),
    /** What a reader of results must know, for example that a field leaks: reports repeat it. */
    notes: z.array(z.string().min(1)).optional(),
    sources: z
      .record(name, source)
      .refine((s) => Object.keys(s).length > 0, 'name at least one source')
      .superRefine(distinctNames('sources', Object.keys)),
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

/** A dataset configuration with every default filled in. */
export type DatasetConfig = z.output<typeof datasetSchema>;
/** A dataset configuration as a user writes it. */
export type DatasetInput = z.input<typeof datasetSchema>;

/** Gives a configuration module its types: `export default defineDataset({ ... })`. */
export const defineDataset = (dataset: DatasetInput): DatasetInput => dataset;

export type FieldConfig = DatasetConfig['fields'][number];
export type SplitName = 'train' | 'validation' | 'test';
