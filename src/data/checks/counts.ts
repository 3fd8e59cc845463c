/** Counts over the view of the joined rows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { WEIGHT_INVALID } from '../prepare/row-values.ts';
import { query, queryOne, type Row } from '../sql/duckdb.ts';
import { type CheckedField, VIEW } from './view.ts';

/** Fields counted by one scan: memory and time of a query grow faster than its number of columns. */
const FIELDS_AT_A_TIME = 128;

const DISTINCT_AT_A_TIME = 8;

/** Counts over one column of the view. */
export interface Counted {
  missing: number;
  /** Different values by a sketch: good to a quarter or so. */
  roughlyDistinct: number;
  /** The same value in every row that has one. */
  constant: boolean;
}

interface CellCounts {
  /** Rows with a label, and how many are 1. */
  labelled: number;
  positives: number;
}

/** Rows of a scenario, and its cells by task. */
export interface ScenarioCounts {
  rows: number;
  tasks: CellCounts[];
}

export async function countTotals(
  connection: DuckDBConnection,
  config: DatasetConfig,
  fields: CheckedField[],
): Promise<Row> {
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

export async function countCells(connection: DuckDBConnection, config: DatasetConfig): Promise<ScenarioCounts[]> {
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
