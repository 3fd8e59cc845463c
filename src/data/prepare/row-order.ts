/** The order in which rows are processed: that of the base source, or grouped by columns (`groupRowsBy`). */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { freeAmong, rowColumn } from '../sources/joined.ts';
import type { Source } from '../sources/source.ts';
import { execute } from '../sql/duckdb.ts';
import { identifier } from '../sql/text.ts';

/** SQL of a row's place in processed order, and the join that it needs. */
export async function createRowOrder(
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
