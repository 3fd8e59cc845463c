/**
 * The rows table: one row per example, every expression of the configuration computed once. Its columns: `place` (rises
 * in processed order), `row` (position in the base source), `f0 f1 ...` (fields as sql.ts stores them), `scenario` (index),
 * `l0 l1 ...` (labels), `weight`, `group_key`, `split_key`, `sequence_key`, `sequence_time`, `s0 s1 ...` (does it count for
 * a type of sequence?). They come in any order: sorting rows of many columns takes longer than computing them.
 * It is temporary like all tables made from it: in memory while there is room, then on disk, never in a log.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, type TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { blameExpression } from '../expressions/blame.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { neededColumns } from '../expressions/columns.ts';
import { allExpressions, fieldUse, SEQUENCE_TIME, taskUse } from '../expressions/places.ts';
import { besides } from '../formats/columns.ts';
import { freeAmong, joinedRelation, keepBaseRows, rowColumn } from '../sources/joined.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { present } from '../sql/missing.ts';
import type { Expression, Value } from '../sql/one-expression.ts';
import { embed, identifier, literal } from '../sql/text.ts';
import { isTextTime, readTextTimes, timeText } from '../sql/times.ts';
import { isNumber, isOrdered, isText, type StoredField, storedField, textOf } from '../sql/tokens.ts';
import { allOf, conditions, countLeftOut, createKept, joinKept, type LeftOut, scenarioText } from './row-choice.ts';
import { givenColumns, sequenceInputs } from './sequences.ts';

/** How the fields are stored in the rows table, in field order. */
export const storedFields = (config: DatasetConfig, values: Values): StoredField[] =>
  config.fields.map((field) => storedField(field, checkedValue(values, fieldUse(field))));

/** Columns `row`, `f0, f1, ...` and `scenario`: what a row needs to be scored. */
const inputColumns = (config: DatasetConfig, values: Values, row: string): string[] => [
  `${row}::INTEGER AS row`,
  ...storedFields(config, values).map((field, i) => `${field.expression} AS f${i}`),
  `${scenarioIndex(config, values)} AS scenario`,
];

/** Columns `l0, l1, ...`. */
const labelColumns = (config: DatasetConfig, values: Values): string[] =>
  config.tasks.map((task, i) => `${labelValue(checkedValue(values, taskUse(task)))} AS l${i}`);

/** Index of the scenario, -1 for an unknown value, NULL for none. */
export function scenarioIndex(config: DatasetConfig, values: Values): string {
  const text = scenarioText(values);
  const known = config.scenario.values.map((v) => literal(String(v))).join(', ');
  return `CASE WHEN ${text} IS NOT NULL THEN coalesce(list_position([${known}], ${text}) - 1, -1)::INTEGER END`;
}

/** 0, 1, NULL, or -1 for anything else. Texts may be numbers (`1.0`). */
export function labelValue({ sql, type }: Value): string {
  if (type === 'BOOLEAN') return `${sql}::TINYINT`;
  const is = (value: 0 | 1, word: string): string =>
    isNumber(type)
      ? `${sql} = ${value}`
      : isText(type)
        ? `lower(${sql}::VARCHAR) = '${word}' OR TRY_CAST(${sql}::VARCHAR AS DOUBLE) = ${value}`
        : 'false';
  return `CASE WHEN ${sql} IS NULL THEN NULL WHEN ${is(1, 'true')} THEN 1 WHEN ${is(0, 'false')} THEN 0 ELSE -1 END::TINYINT`;
}

/** What the split needs to know of a row: a time (a text as it is), or the part itself (0 train, 1 validation, 2 test, -1 unknown). */
export function splitKey(config: DatasetConfig, values: Values): string | undefined {
  const { split } = config;
  if (split.kind === 'random') return undefined;
  const { sql, type } = checkedValue(values, 'split');
  if (split.kind === 'time') {
    if (isTextTime(type)) return timeText(sql);
    if (!isOrdered(type))
      throw error('DATA_EXPRESSION_INVALID', {
        usedBy: 'split',
        expression: split.column,
        reason: `a value of type ${type} is not a time`,
      });
    return sql;
  }
  const text = textOf(sql, type);
  if (split.kind === 'column') {
    const parts = [split.train, split.validation, split.test].map(literal);
    return `coalesce(list_position([${parts.join(', ')}], ${text}) - 1, -1)::TINYINT`;
  }
  // Uniform in [0, 1) by a hash of seed and key: a key falls on the same side in every file and on every machine.
  const uniform = `md5_number_upper('${split.seed}:' || coalesce(${text}, ''))::DOUBLE / 18446744073709551616.0`;
  const [train, validation] = split.ratios;
  return `CASE WHEN ${uniform} < ${train} THEN 0 WHEN ${uniform} < ${train + validation} THEN 1 ELSE 2 END::TINYINT`;
}

/**
 * Creates the table `rows`; returns how many rows it has and how many were left out (row-choice.ts). Throws
 * DATA_LABEL_INVALID, DATA_SCENARIO_UNKNOWN, DATA_WEIGHT_INVALID, DATA_SPLIT_VALUE, DATA_TIME_TEXT, DATA_NO_ROWS.
 */
export async function createRows(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
): Promise<{ rows: number; leftOut: LeftOut }> {
  const split = splitKey(config, values);
  const columns = [
    ...inputColumns(config, values, rowColumn(sources)),
    ...labelColumns(config, values),
    ...(config.weight === undefined ? [] : [`${weightValue(values)} AS weight`]),
    ...(config.group === undefined ? [] : [`${groupKey(values)} AS group_key`]),
    ...(split === undefined ? [] : [`${split} AS split_key`]),
    ...sequenceInputs(config, values),
  ];
  const joined = await numberedRows(connection, config, sources, allExpressions(config));
  const chosen = conditions(config, values);
  const where = allOf(chosen);
  let from = joined;
  try {
    if (await createKept(connection, config, values, sources, joined)) from += joinKept(sources);
    const order = await createRowOrder(connection, config, sources, from, where);
    const sql = `SELECT ${order.place}::INTEGER AS place, ${columns.join(', ')} FROM ${from}${order.join} WHERE ${where}`;
    await withinMemory(connection, columns.length, () =>
      execute(connection, `CREATE TEMP TABLE rows AS ${sql}`, 'computing the rows'),
    );
  } catch (cause) {
    throw await blameExpression(connection, config, joined, cause);
  }
  await checkRows(connection, joined, allChecks(config, values), sources, config);
  const rows = await countRows(connection, config);
  await readTimes(connection, config, values);
  const base = sources.find(({ name }) => name === baseSource(config))?.rows ?? rows;
  return { rows, leftOut: await countLeftOut(connection, chosen, joined, { base, kept: rows }) };
}

/** Rows of the table. Throws DATA_NO_ROWS; DATA_JOIN_ROWS where a row of the base source is in it twice. */
async function countRows(connection: DuckDBConnection, config: DatasetConfig): Promise<number> {
  const distinct = config.joins.length === 0 ? 'count(*)' : 'count(DISTINCT row)';
  const found = await queryOne(
    connection,
    `SELECT count(*) AS rows, ${distinct} AS base_rows FROM rows`,
    'counting the rows',
  );
  const [rows, baseRows] = [Number(found.rows), Number(found.base_rows)];
  if (rows !== baseRows) throw error('DATA_JOIN_ROWS', { source: baseSource(config), rows, baseRows });
  if (rows > 0) return rows;
  const time = config.split.kind === 'time' ? config.split.column : undefined;
  throw error('DATA_NO_ROWS', { where: config.where, scenario: config.scenario.expression, time });
}

/** Turns columns of the table that hold times as texts into times. Throws DATA_TIME_TEXT. */
async function readTimes(connection: DuckDBConnection, config: DatasetConfig, values: Values): Promise<void> {
  const { split, sequences } = config;
  const times = [
    ...(split.kind === 'time' ? [{ column: 'split_key', usedBy: 'split', expression: split.column }] : []),
    ...(sequences ? [{ column: 'sequence_time', usedBy: SEQUENCE_TIME, expression: sequences.time }] : []),
  ].filter(({ usedBy }) => isTextTime(checkedValue(values, usedBy).type));
  for (const { column, ...used } of times) {
    const { value } = await readTextTimes(connection, 'rows', column, used);
    await execute(
      connection,
      `ALTER TABLE rows ALTER COLUMN ${column} SET DATA TYPE ${value.type} USING ${value.sql}`,
      'reading the times',
    );
  }
}

/** SQL of the weight, NULL where there is none; a text that is no number is none. */
export function weightValue(values: Values): string {
  const { sql, type } = checkedValue(values, 'weight');
  return present(`TRY_CAST(${sql} AS DOUBLE)`, type === 'DOUBLE' ? '' : 'DOUBLE');
}

/**
 * SQL that is true for a weight that cannot be used: missing, not above 0, or beyond what training's 32-bit numbers hold with
 * all their digits.
 */
export const WEIGHT_INVALID = `coalesce(weight NOT BETWEEN ${2 ** -126} AND ${(2 - 2 ** -23) * 2 ** 127}, true)`;

/** SQL of the group's key, NULL where there is none. */
export function groupKey(values: Values): string {
  const { sql, type } = checkedValue(values, 'group');
  return textOf(sql, type);
}

/** Rows that DuckDB writes into a table at once; every thread holds so many of its own in memory. */
const ROW_GROUP = 122_880;
const VALUE_BYTES = 16;

/** Writes a table of so many columns by as many threads as half of the memory has room for. */
async function withinMemory(connection: DuckDBConnection, columns: number, write: () => Promise<void>): Promise<void> {
  const { memory, threads } = await queryOne(
    connection,
    "SELECT current_setting('memory_limit') AS memory, current_setting('threads') AS threads",
    'reading settings',
  );
  const [, amount, unit] = /^([\d.]+) (\w+)$/.exec(String(memory)) ?? [];
  const bytes = Number(amount) * 1024 ** ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
  const most = Math.floor(bytes / 2 / (columns * ROW_GROUP * VALUE_BYTES));
  const fitting = Math.max(1, Math.min(Number(threads), most));
  await execute(connection, `SET threads = ${fitting}`, 'computing the rows');
  await write();
  await execute(connection, `SET threads = ${threads}`, 'computing the rows');
}

/**
 * Creates the table `rows` of rows to be scored, all rows of the base source in its order: `row`, `f0 ...`, `scenario`,
 * which is NULL where the row has none or `where` is not true of it (`excluded`), and the sequences `g0 ...`; `labelled` ones
 * also have `l0 ...` and `group_key`. Throws DATA_SCENARIO_UNKNOWN, DATA_LABEL_INVALID.
 */
export async function createInputRows(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
  /** All expressions over the rows. */
  expressions: Expression[],
  labelled = false,
): Promise<void> {
  const from = await numberedRows(connection, config, sources, expressions);
  const row = rowColumn(sources);
  const isCounted = config.where === undefined ? 'true' : `coalesce(${checkedValue(values, 'where').sql}, false)`;
  const columns = [
    ...inputColumns(config, values, row),
    ...givenColumns(config, values),
    ...(labelled ? labelColumns(config, values) : []),
    ...(labelled && config.group !== undefined ? [`${groupKey(values)} AS group_key`] : []),
    `NOT (${isCounted}) AS excluded`,
  ].join(', ');
  const counted = (column: string): string =>
    `CASE WHEN NOT excluded AND scenario IS NOT NULL THEN ${column} END AS ${column}`;
  const replaced = [counted('scenario'), ...(labelled ? config.tasks.map((_, i) => counted(`l${i}`)) : [])];
  await execute(
    connection,
    `CREATE TEMP TABLE rows AS SELECT * REPLACE (${replaced.join(', ')})
     FROM (SELECT ${columns} FROM ${from}) ORDER BY row`,
    'computing the rows',
  );
  const checks = [scenarioCheck(config, values), ...(labelled ? labelChecks(config) : [])];
  await checkRows(connection, from, checks, sources, config);
}

/** The joined rows with their numbers in the base source, of which the columns that expressions need are kept. */
async function numberedRows(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  expressions: Expression[],
): Promise<string> {
  const needed = (await neededColumns(connection, config, expressions)) ?? (() => true);
  const columns = sources.find(({ name }) => name === baseSource(config))?.columns ?? [];
  const used = columns.filter(({ name }) => needed(name));
  const kept = [...used.map(({ name }) => name), ...besides(used)];
  await keepBaseRows(connection, config, kept);
  return joinedRelation(config, sources, { kept });
}

/** SQL of a row's place in processed order, and the join that it needs. */
async function createRowOrder(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  from: string,
  where: string,
): Promise<{ join: string; place: string }> {
  const row = rowColumn(sources);
  if (config.groupRowsBy.length === 0) return { join: '', place: row };
  const keys = config.groupRowsBy.map((column, i) => `${identifier(column)} AS k${i}`).join(', ');
  let order = `SELECT ${row} AS number, ${row} AS place, ${keys} FROM ${from} WHERE ${where}`;
  config.groupRowsBy.forEach((_, i) => {
    order =
      `SELECT * EXCLUDE (first) REPLACE (row_number() OVER (ORDER BY first, place) AS place) ` +
      `FROM (SELECT *, min(place) OVER (PARTITION BY k${i}) AS first FROM (${order}))`;
  });
  await execute(connection, `CREATE TEMP TABLE row_order AS SELECT number, place FROM (${order})`, 'grouping the rows');
  // In the scope of the user's expressions its names must be nobody else's; a table itself would bring its rowid along.
  const [table, number, place] = ['__order', '__order_row', '__order_place'].map((name) => freeAmong(name, sources));
  return {
    join: ` JOIN (SELECT number AS ${number}, place AS ${place} FROM row_order) AS ${table} ON ${number} = ${row}`,
    place: `(${place} - 1)`,
  };
}

interface Check {
  /** SQL over the rows table that is true for a bad row. */
  bad: string;
  /** The user's expression that gave the bad value. */
  sql: string;
  fail: (at: BadRows) => TributaryError;
}

const scenarioCheck = ({ scenario }: DatasetConfig, values: Values): Check => ({
  bad: 'scenario = -1',
  sql: checkedValue(values, 'scenario').sql,
  fail: (at) => error('DATA_SCENARIO_UNKNOWN', { ...at, values: scenario.values.map(String) }),
});

const labelChecks = ({ tasks }: DatasetConfig): Check[] =>
  tasks.map(({ name, label }, i) => ({
    bad: `l${i} = -1`,
    sql: label,
    fail: (at) => error('DATA_LABEL_INVALID', { ...at, task: name, label }),
  }));

function allChecks(config: DatasetConfig, values: Values): Check[] {
  const { split, weight } = config;
  const checks: Check[] = [scenarioCheck(config, values), ...labelChecks(config)];
  if (weight !== undefined)
    checks.push({
      bad: WEIGHT_INVALID,
      sql: weight,
      fail: (at) => error('DATA_WEIGHT_INVALID', at),
    });
  if (split.kind === 'column') {
    const expected = `"${split.train}", "${split.validation}" or "${split.test}"`;
    checks.push({
      bad: 'split_key = -1',
      sql: split.column,
      fail: (at) => error('DATA_SPLIT_VALUE', { ...at, expected }),
    });
  }
  return checks;
}

/** Refuses bad rows: names the first, counts all. `from` is the relation that the rows came from. */
async function checkRows(
  connection: DuckDBConnection,
  from: string,
  checks: Check[],
  sources: Source[],
  config: DatasetConfig,
): Promise<void> {
  const counts = checks.flatMap(({ bad }, i) => [
    `count(*) FILTER (${bad}) AS bad${i}`,
    `min(row) FILTER (${bad}) AS row${i}`,
  ]);
  const found = await queryOne(connection, `SELECT ${counts.join(', ')} FROM rows`, 'checking the rows');
  for (const [i, { sql, fail }] of checks.entries()) {
    const count = Number(found[`bad${i}`]);
    if (count === 0) continue;
    const row = Number(found[`row${i}`]);
    const first = `SELECT ${embed(sql)}::VARCHAR AS value FROM ${from} WHERE ${rowColumn(sources)} = ${row}`;
    const { value } = await queryOne(connection, first, 'checking the rows');
    throw fail({ value: value === null ? 'NULL' : String(value), source: baseSource(config), row: row + 1, count });
  }
}

interface BadRows {
  /** Value of the expression in the first bad row. */
  value: string;
  source: string;
  /** Number of that row in the base source, from 1. */
  row: number;
  /** Bad rows in all. */
  count: number;
}
