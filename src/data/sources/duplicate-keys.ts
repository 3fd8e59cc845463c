/** Keys that a joined source has more than once. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { query } from '../sql/duckdb.ts';
import { joinKeys } from './join-keys.ts';
import { type Source, viewOf } from './source.ts';

/** Throws DATA_JOIN_DUPLICATE where a joined source has a key twice: its rows would multiply the examples. */
export async function checkJoinKeys(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
): Promise<void> {
  for (const i of config.joins.keys()) {
    const duplicated = await duplicateKeys(connection, config, sources, i);
    if (duplicated !== undefined) throw error('DATA_JOIN_DUPLICATE', duplicated);
  }
}

interface DuplicateKeys {
  source: string;
  /** The key's columns, its most frequent value and the rows that have it. */
  key: string;
  value: string;
  rows: number;
  /** Values that occur more than once, and their rows. */
  duplicated: number;
  duplicateRows: number;
}

/** Keys that a joined source has more than once, as the join compares them; undefined where there are none. */
export async function duplicateKeys(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  place: number,
): Promise<DuplicateKeys | undefined> {
  const { source } = config.joins[place];
  const pairs = joinKeys(config, sources, place);
  const keys = pairs.map((_, i) => `k${i}`);
  const compared = pairs.map(({ sql }, i) => `${sql} AS k${i}`);
  const [worst] = await query(
    connection,
    `SELECT concat_ws(', ', ${keys.join(', ')}) AS value, n, count(*) OVER () AS duplicated, sum(n) OVER () AS all_rows
     FROM (SELECT ${keys.join(', ')}, count(*) AS n FROM (SELECT ${compared.join(', ')} FROM ${viewOf(source)})
           WHERE ${keys.map((k) => `${k} IS NOT NULL`).join(' AND ')} GROUP BY ${keys.join(', ')} HAVING count(*) > 1)
     ORDER BY n DESC, value LIMIT 1`,
    `looking for duplicate keys in source "${source}"`,
  );
  return (
    worst && {
      source,
      key: pairs.map(({ right }) => right).join(', '),
      value: String(worst.value),
      rows: Number(worst.n),
      duplicated: Number(worst.duplicated),
      duplicateRows: Number(worst.all_rows),
    }
  );
}
