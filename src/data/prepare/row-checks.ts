/** Refuses rows whose scenario, label, weight or part cannot be used. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, type TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { rowColumn } from '../sources/joined.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { queryOne } from '../sql/duckdb.ts';
import { embed } from '../sql/text.ts';
import { WEIGHT_INVALID } from './row-values.ts';

interface Check {
  /** SQL over the rows table that is true for a bad row. */
  bad: string;
  /** The user's expression that gave the bad value. */
  sql: string;
  fail: (at: BadRows) => TributaryError;
}

export const scenarioCheck = ({ scenario }: DatasetConfig, values: Values): Check => ({
  bad: 'scenario = -1',
  sql: checkedValue(values, 'scenario').sql,
  fail: (at) => error('DATA_SCENARIO_UNKNOWN', { ...at, values: scenario.values.map(String) }),
});

export const labelChecks = ({ tasks }: DatasetConfig): Check[] =>
  tasks.map(({ name, label }, i) => ({
    bad: `l${i} = -1`,
    sql: label,
    fail: (at) => error('DATA_LABEL_INVALID', { ...at, task: name, label }),
  }));

export function allChecks(config: DatasetConfig, values: Values): Check[] {
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
export async function checkRows(
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
