/**
 * What the checks look at: the joined rows as a view, counted in three scans, and one more for every 128 fields. Checks that
 * need groups of rows work on a sample held in memory.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TributaryError } from '../../base/errors/index.ts';
import { oneLine } from '../../base/one-line.ts';
import { type DatasetConfig, type FieldConfig, scenarioNames } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { fieldUse, taskUse } from '../expressions/places.ts';
import { allOf, baseColumns, conditions, createKept, KEPT_ROWS, scenarioText } from '../prepare/row-choice.ts';
import { groupKey, labelValue, scenarioIndex, WEIGHT_INVALID, weightValue } from '../prepare/rows.ts';
import { joinedRelation, rowColumn } from '../sources/joined.ts';
import type { Source } from '../sources/source.ts';
import { execute, query, queryOne, type Row } from '../sql/duckdb.ts';
import { readTextTimes, type TextTimes, timeText } from '../sql/times.ts';
import { storedField } from '../sql/tokens.ts';
import type { Problem } from './finding.ts';

/** Rows that the sample aims at, and values, where there are many fields: it lies in memory. */
const SAMPLE_ROWS = 400_000;
const SAMPLE_VALUES = 20_000_000;
/** Fields counted by one scan: memory and time of a query grow faster than its number of columns. */
const FIELDS_AT_A_TIME = 128;
const DISTINCT_AT_A_TIME = 8;

export interface CheckedField {
  config: FieldConfig;
  /** DuckDB's type of the field's expression. */
  type: string;
  /** Column of the view; absent where `problem` says why the field cannot be stored. */
  column?: string;
  problem?: TributaryError;
}

/** Counts over one column of the view. */
export interface Counted {
  missing: number;
  /** Different values by a sketch: good to a quarter or so. */
  roughlyDistinct: number;
  /** The same value in every row that has one. */
  constant: boolean;
}

export interface CellCounts {
  /** Rows with a label, and how many are 1. */
  labelled: number;
  positives: number;
}

export interface Context {
  connection: DuckDBConnection;
  config: DatasetConfig;
  sources: Source[];
  values: Values;
  fields: CheckedField[];
  /**
   * What stands after FROM for the joined rows that `where` and `deduplicate` leave, with a WHERE at its end; with row numbers
   * where asked.
   */
  from: (options?: { rowNumbers: boolean }) => string;
  /** What times written as texts say, looked at once for each place of the configuration. Throws DATA_TIME_TEXT. */
  textTimes: (used: { usedBy: string; expression: string }) => Promise<TextTimes>;
  /** Rows of the view: those of the base source that joins, `where` and `deduplicate` leave. */
  rows: number;
  /** Rows that `deduplicate` leaves out. */
  duplicates: number;
  /** By field name; only fields with a column. */
  counted: Map<string, Counted>;
  group: Counted | undefined;
  labels: { invalid: number; missing: number; example: string }[];
  weightInvalid: number;
  /** Rows whose scenario is none of the values, and rows without one. */
  scenarios: { unknown: number; missing: number };
  /** Rows of each scenario, and its cells by task. */
  cells: { rows: number; tasks: CellCounts[] }[];
  /** Rows in the sample; one in `sampleEvery`. Equal rows are in it together or not at all. */
  sampleRows: number;
  sampleEvery: number;
}

/** View of the joined rows: f0.. (fields as stored), scenario, l0.. (labels), weight, group_key, row_hash. */
export const VIEW = '"__checked"';
/** Table of the sampled rows of the view. */
export const SAMPLE = '"__sample"';

/** Counts everything that more than one check needs. */
export async function createContext(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
): Promise<Context> {
  const fields = config.fields.map((field, i) => describeField(field, values, i));
  const duplicates = await countDuplicates(connection, config, values, sources);
  const from: Context['from'] = (options) => relation(config, values, sources, duplicates !== undefined, options);
  const looked = new Map<string, Promise<TextTimes>>();
  await createView(connection, config, sources, values, fields, from());
  const totals = await countTotals(connection, config, fields);
  const rows = Number(totals.rows);
  const sampleEvery = Math.max(1, Math.ceil(rows / Math.min(SAMPLE_ROWS, Math.ceil(SAMPLE_VALUES / fields.length))));
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE ${SAMPLE} AS SELECT * FROM ${VIEW} WHERE row_hash % ${sampleEvery} = 0`,
    'taking a sample',
  );
  const sampled = await queryOne(connection, `SELECT count(*) AS n FROM ${SAMPLE}`, 'taking a sample');
  const counted = (name: string): Counted => ({
    missing: rows - Number(totals[`n_${name}`]),
    roughlyDistinct: Number(totals[`d_${name}`]),
    constant: totals[`c_${name}`] === true,
  });
  return {
    connection,
    config,
    sources,
    values,
    fields,
    from,
    textTimes(used) {
      const { sql } = checkedValue(values, used.usedBy);
      const times = looked.get(used.usedBy) ?? readTextTimes(connection, from(), timeText(sql), used);
      looked.set(used.usedBy, times);
      return times;
    },
    duplicates: duplicates ?? 0,
    rows,
    counted: new Map(fields.flatMap((f) => (f.column === undefined ? [] : [[f.config.name, counted(f.column)]]))),
    group: config.group === undefined ? undefined : counted('group_key'),
    labels: config.tasks.map((_, t) => ({
      invalid: Number(totals[`invalid${t}`]),
      missing: Number(totals[`missing${t}`]),
      example: String(totals[`example${t}`]),
    })),
    weightInvalid: Number(totals.weight_invalid ?? 0),
    scenarios: { unknown: Number(totals.scenario_unknown), missing: Number(totals.scenario_missing) },
    cells: await countCells(connection, config),
    sampleRows: Number(sampled.n),
    sampleEvery,
  };
}

function describeField(config: FieldConfig, values: Values, index: number): CheckedField {
  const value = checkedValue(values, fieldUse(config));
  const { type } = value;
  try {
    storedField(config, value);
    return { config, type, column: `f${index}` };
  } catch (problem) {
    if (problem instanceof TributaryError) return { config, type, problem };
    throw problem;
  }
}

/** Finds the rows that `deduplicate` keeps; returns how many it leaves out, undefined where it is not asked for. */
async function countDuplicates(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  sources: Source[],
): Promise<number | undefined> {
  const numbered = joinedRelation(config, sources, { rowNumbers: true });
  if (!(await createKept(connection, config, values, sources, numbered))) return undefined;
  const chosen = `SELECT count(*) FROM ${numbered} WHERE ${allOf(conditions(config, values))}`;
  const { n } = await queryOne(
    connection,
    `SELECT (${chosen}) - (SELECT count(*) FROM ${KEPT_ROWS}) AS n`,
    'looking for duplicate rows',
  );
  return Number(n);
}

function relation(
  config: DatasetConfig,
  values: Values,
  sources: Source[],
  deduplicated: boolean,
  { rowNumbers } = { rowNumbers: false },
): string {
  const { where } = conditions(config, values);
  // Rows without a scenario or a time stay: they are counted as what they lack.
  const kept = `((${allOf(conditions(config, values))}) IS NOT TRUE OR ${rowColumn(sources)} IN (SELECT number FROM ${KEPT_ROWS}))`;
  const all = [...(where === undefined ? [] : [where]), ...(deduplicated ? [kept] : [])];
  const joined = joinedRelation(config, sources, { rowNumbers: rowNumbers || deduplicated });
  return all.length === 0 ? joined : `${joined} WHERE ${all.join(' AND ')}`;
}

async function createView(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
  fields: CheckedField[],
  from: string,
): Promise<void> {
  const columns = [
    ...fields.flatMap((f) =>
      f.column === undefined
        ? []
        : [`${storedField(f.config, checkedValue(values, fieldUse(f.config))).expression} AS ${f.column}`],
    ),
    `${scenarioIndex(config, values)} AS scenario`,
    `${scenarioText(values)} AS scenario_text`,
    ...config.tasks.flatMap((task, t) => {
      const value = checkedValue(values, taskUse(task));
      return [`${labelValue(value)} AS l${t}`, `${value.sql}::VARCHAR AS t${t}`];
    }),
    ...(config.weight === undefined ? [] : [`${weightValue(values)} AS weight`]),
    ...(config.group === undefined ? [] : [`${groupKey(values)} AS group_key`]),
    `hash(${baseColumns(config, sources).join(', ')}) AS row_hash`,
  ];
  await execute(
    connection,
    `CREATE OR REPLACE TEMP VIEW ${VIEW} AS SELECT ${columns.join(', ')} FROM ${from}`,
    'joining the sources',
  );
}

async function countTotals(connection: DuckDBConnection, config: DatasetConfig, fields: CheckedField[]): Promise<Row> {
  const columns = fields.flatMap((f) => (f.column === undefined ? [] : [f.column]));
  if (config.group !== undefined) columns.push('group_key');
  const ofColumns = (some: string[]): string[] =>
    some.flatMap((c) => [
      `count(${c}) AS n_${c}`,
      `approx_count_distinct(${c}) AS d_${c}`,
      `min(${c}) = max(${c}) AS c_${c}`,
    ]);
  const counts = [
    'count(*) AS rows',
    ...ofColumns(columns.slice(0, FIELDS_AT_A_TIME)),
    ...config.tasks.flatMap((_, t) => [
      `count(*) FILTER (l${t} = -1) AS invalid${t}`,
      `count(*) FILTER (l${t} IS NULL) AS missing${t}`,
      `min(t${t}) FILTER (l${t} = -1) AS example${t}`,
    ]),
    'count(*) FILTER (scenario = -1) AS scenario_unknown',
    'count(*) FILTER (scenario IS NULL) AS scenario_missing',
    ...(config.weight === undefined ? [] : [`count(*) FILTER (${WEIGHT_INVALID}) AS weight_invalid`]),
  ];
  const found = await queryOne(connection, `SELECT ${counts.join(', ')} FROM ${VIEW}`, 'counting the rows');
  for (let from = FIELDS_AT_A_TIME; from < columns.length; from += FIELDS_AT_A_TIME) {
    const more = ofColumns(columns.slice(from, from + FIELDS_AT_A_TIME));
    Object.assign(found, await queryOne(connection, `SELECT ${more.join(', ')} FROM ${VIEW}`, 'counting the rows'));
  }
  return found;
}

async function countCells(connection: DuckDBConnection, config: DatasetConfig): Promise<Context['cells']> {
  const counts = config.tasks.flatMap((_, t) => [
    `count(*) FILTER (l${t} >= 0) AS labelled${t}`,
    `count(*) FILTER (l${t} = 1) AS positives${t}`,
  ]);
  const found = await query(
    connection,
    `SELECT scenario, count(*) AS rows, ${counts.join(', ')} FROM ${VIEW} WHERE scenario >= 0 GROUP BY scenario`,
    'counting the cells',
  );
  return config.scenario.values.map((_, s) => {
    const row = found.find((r) => r.scenario === s);
    const tasks = config.tasks.map((_, t) => ({
      labelled: Number(row?.[`labelled${t}`] ?? 0),
      positives: Number(row?.[`positives${t}`] ?? 0),
    }));
    return { rows: Number(row?.rows ?? 0), tasks };
  });
}

/** Exact numbers of different values of columns of the view. */
export async function countDistinct(connection: DuckDBConnection, columns: string[]): Promise<number[]> {
  if (columns.length === 0) return [];
  const exact: number[] = [];
  for (let from = 0; from < columns.length; from += DISTINCT_AT_A_TIME) {
    const some = columns.slice(from, from + DISTINCT_AT_A_TIME);
    const counts = some.map((c) => `count(DISTINCT ${c}) AS ${c}`).join(', ');
    const found = await queryOne(connection, `SELECT ${counts} FROM ${VIEW}`, 'counting values');
    exact.push(...some.map((c) => Number(found[c])));
  }
  return exact;
}

/** Names of scenario and task, as findings write them. */
export const scenarioName = ({ scenario }: DatasetConfig, s: number): string => oneLine(scenarioNames(scenario)[s]);

/** A check: what it is called, what it says when all is well, and how it looks for problems. */
export interface Check {
  name: string;
  pass: (context: Context) => string;
  run: (context: Context) => Problem[] | Promise<Problem[]>;
}
