/** Columns that a configuration derives from those of the files. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { Column } from '../formats/columns.ts';
import { duckdbError } from '../sql/errors.ts';
import { withoutInfinite } from '../sql/finite.ts';
import { present } from '../sql/missing.ts';
import { parseExpressions } from '../sql/one-expression.ts';
import { embed, identifier, sameName } from '../sql/text.ts';
import type { SourceConfig } from './source.ts';

/** The place of a derived column in the configuration. */
export const derivedColumn = (source: string, column: string): string => `sources.${source}.derive.${column}`;

/** Adds the columns that the configuration derives and the files do not have. Throws DATA_EXPRESSION_INVALID. */
export async function deriveColumns(
  connection: DuckDBConnection,
  name: string,
  { derive = {} }: SourceConfig,
  sql: string,
  columns: Column[],
): Promise<{ sql: string; columns: Column[] }> {
  const result = { sql, columns: [...columns] };
  for (const [column, expression] of Object.entries(derive)) {
    if (result.columns.some((c) => sameName(c.name, column))) continue;
    const doing = derivedColumn(name, column);
    await parseExpressions(connection, [{ usedBy: doing, sql: expression }]);
    const [finite] = await withoutInfinite(connection, [expression]);
    const describe = (sql: string) =>
      connection.runAndReadAll(`DESCRIBE SELECT ${embed(sql)} AS value FROM (${result.sql})`);
    try {
      const sql = await describe(finite).then(
        () => finite,
        () => expression,
      );
      const type = String((await describe(sql)).getRowObjectsJS()[0].column_type);
      result.sql = `SELECT *, ${present(embed(sql), type)} AS ${identifier(column)} FROM (${result.sql})`;
      result.columns.push({ name: column, type });
    } catch (cause) {
      const reason = (duckdbError(cause, doing) as { details?: { reason?: string } }).details?.reason ?? String(cause);
      throw error('DATA_EXPRESSION_INVALID', { usedBy: doing, expression, reason }, cause);
    }
  }
  return result;
}
