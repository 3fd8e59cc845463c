/**
 * The rows table: one row per example, every expression of the configuration computed once. Its columns: `place` (rises
 * in processed order), `row` (position in the base source), `f0 f1 ...` (fields as sql/tokens.ts stores them), `scenario` (index),
 * `l0 l1 ...` (labels), `weight`, `group_key`, `split_key`, `seen_time`, `sequence_key`, `sequence_time`, `s0 s1 ...` (does it count for
 * a type of sequence?) or `g0 g1 ...` (tokens of the lists that rows bring). They come in any order: sorting rows of many columns takes longer than computing them.
 * It is temporary like all tables made from it: in memory while there is room, then on disk, never in a log.
 */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { builtOf } from '../../config/dataset/sequences.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { blameExpression } from '../expressions/blame.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { neededColumns } from '../expressions/columns.ts';
import { allExpressions, LIFECYCLE_TIME, SEQUENCE_TIME } from '../expressions/places.ts';
import { besides } from '../formats/columns.ts';
import { joinedRelation, keepBaseRows, rowColumn } from '../sources/joined.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import type { Expression } from '../sql/one-expression.ts';
import { isTextTime, readTextTimes } from '../sql/times.ts';
import { checkSeenTime, seenTime } from './lifecycle.ts';
import { allChecks, checkRows } from './row-checks.ts';
import { allOf, conditions, countLeftOut, createKept, joinKept, type LeftOut } from './row-choice.ts';
import { createRowOrder } from './row-order.ts';
import { groupKey, inputColumns, labelColumns, splitKey, weightValue } from './row-values.ts';
import { sequenceInputs } from './sequences.ts';

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
    ...seenTime(config, values),
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
  const { split, sequences, vocabulary } = config;
  const { lifecycle } = vocabulary;
  const built = sequences && builtOf(sequences);
  const times = [
    ...(split.kind === 'time' ? [{ column: 'split_key', usedBy: 'split', expression: split.column }] : []),
    ...(built ? [{ column: 'sequence_time', usedBy: SEQUENCE_TIME, expression: built.time }] : []),
    ...(lifecycle ? [{ column: 'seen_time', usedBy: LIFECYCLE_TIME, expression: lifecycle.time }] : []),
  ].filter(({ usedBy }) => isTextTime(checkedValue(values, usedBy).type));
  for (const { column, ...used } of times) {
    const { value } = await readTextTimes(connection, 'rows', column, used);
    if (column === 'seen_time') checkSeenTime(config, value.type);
    await execute(
      connection,
      `ALTER TABLE rows ALTER COLUMN ${column} SET DATA TYPE ${value.type} USING ${value.sql}`,
      'reading the times',
    );
  }
}

/** Rows that DuckDB writes into a table at once; every thread holds that many in memory. */
const ROW_GROUP = 122_880;

const VALUE_BYTES = 16;

/** Writes a table of `columns` columns with as many threads as fit half of the memory. */
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

/** The joined rows with their numbers in the base source, of which the columns that expressions need are kept. */
export async function numberedRows(
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
