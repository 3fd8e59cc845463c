/** Which of the joined rows are examples: `where`, a scenario, a time under a split by time, and each row once. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { deduplicateUse } from '../expressions/places.ts';
import { freeAmong, rowColumn } from '../sources/joined.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { identifier } from '../sql/text.ts';
import { textOf } from '../sql/tokens.ts';

/** Text of the scenario, NULL for none. */
export function scenarioText(values: Values): string {
  const { sql, type } = checkedValue(values, 'scenario');
  return textOf(sql, type);
}

/** Rows of the base source that are no examples, by the first reason that applies. */
export interface LeftOut {
  /** An inner join found nothing for them. */
  join: number;
  /** `where` is not true. */
  where: number;
  /** They have no scenario. */
  scenario: number;
  /** They have no time, and the split goes by time. */
  time: number;
  /** Another row stands for them (`deduplicate`). */
  duplicate: number;
}

type Reason = Exclude<keyof LeftOut, 'join' | 'duplicate'>;

/** SQL conditions that a row must meet to be an example, by the reason to leave it out. */
export function conditions(config: DatasetConfig, values: Values): Partial<Record<Reason, string>> {
  const { where, split } = config;
  return {
    ...(where !== undefined && { where: checkedValue(values, 'where').sql }),
    scenario: `${scenarioText(values)} IS NOT NULL`,
    ...(split.kind === 'time' && { time: `${checkedValue(values, 'split').sql} IS NOT NULL` }),
  };
}

/** What stands after WHERE for the conditions. */
export const allOf = (conditions: Partial<Record<Reason, string>>): string =>
  Object.values(conditions).join(' AND ') || 'true';

/** Table of the numbers of the examples where `deduplicate` leaves rows out. */
export const KEPT_ROWS = 'kept_rows';

/**
 * Creates the table of the examples' row numbers, one of those that `deduplicate` says are the same, where the configuration
 * says so. `from` has row numbers. Returns whether it did.
 */
export async function createKept(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  sources: Source[],
  from: string,
): Promise<boolean> {
  const { deduplicate } = config;
  if (deduplicate === undefined || deduplicate === false) return false;
  const row = rowColumn(sources);
  const where = allOf(conditions(config, values));
  const keys = deduplicateKeys(config, values, sources);
  const keep = deduplicate !== true && deduplicate.keep === 'last' ? 'max' : 'min';
  const names = keys.map((_, i) => `k${i}`);
  // Copies are the same in what is missing too; a key that is missing says of no two rows that they are the same.
  const missing = deduplicate === true ? [] : names.map((name) => `${name} IS NULL`);
  const rows = `SELECT ${row} AS number, ${keys.map((key, i) => `${key} AS k${i}`).join(', ')} FROM ${from} WHERE ${where}`;
  const once = (of: string): string => `SELECT ${keep}(number) AS number FROM (${of}) GROUP BY ${names.join(', ')}`;
  const sql =
    missing.length === 0
      ? once(rows)
      : `WITH all_rows AS (${rows}) ${once(`SELECT * FROM all_rows WHERE NOT (${missing.join(' OR ')})`)}
         UNION ALL SELECT number FROM all_rows WHERE ${missing.join(' OR ')}`;
  await execute(connection, `CREATE OR REPLACE TEMP TABLE ${KEPT_ROWS} AS ${sql}`, 'looking for duplicate rows');
  return true;
}

/** The join that leaves only the rows kept. */
export function joinKept(sources: Source[]): string {
  const [table, number] = ['__kept', '__kept_row'].map((name) => freeAmong(name, sources));
  return ` JOIN (SELECT number AS ${number} FROM ${KEPT_ROWS}) AS ${table} ON ${number} = ${rowColumn(sources)}`;
}

/** Columns of the base source, qualified: two rows that share all of them are copies. */
export const baseColumns = (config: DatasetConfig, sources: Source[]): string[] => {
  const base = baseSource(config);
  const columns = sources.find((s) => s.name === base)?.columns ?? [];
  return columns.map(({ name }) => `${identifier(base)}.${identifier(name)}`);
};

/** SQL of what two rows must share to be the same. */
function deduplicateKeys(config: DatasetConfig, values: Values, sources: Source[]): string[] {
  const { deduplicate } = config;
  if (deduplicate === undefined || typeof deduplicate === 'boolean') return baseColumns(config, sources);
  return deduplicate.by.map((_, i) => checkedValue(values, deduplicateUse(i)).sql);
}

/** Counts what was left out, over the joined rows. */
export async function countLeftOut(
  connection: DuckDBConnection,
  conditions: Partial<Record<Reason, string>>,
  from: string,
  rows: { base: number; kept: number },
): Promise<LeftOut> {
  const none = { join: 0, where: 0, scenario: 0, time: 0, duplicate: 0 };
  if (rows.base === rows.kept) return none;
  const met: string[] = [];
  const counts = Object.entries(conditions).map(([reason, condition]) => {
    const count = `count(*) FILTER (${[...met, `(${condition}) IS NOT TRUE`].join(' AND ')}) AS "${reason}"`;
    met.push(`(${condition})`);
    return count;
  });
  const sql = `SELECT count(*) AS joined, count(*) FILTER (${met.join(' AND ') || 'true'}) AS chosen, ${counts.join(', ')} FROM ${from}`;
  const { joined, chosen, ...found } = await queryOne(connection, sql, 'counting the rows');
  const byReason = Object.fromEntries(Object.entries(found).map(([reason, count]) => [reason, Number(count)]));
  return { ...none, ...byReason, join: rows.base - Number(joined), duplicate: Number(chosen) - rows.kept };
}
