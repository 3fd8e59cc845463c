/** Which expression a failed query is due to. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { duckdbError } from '../sql/errors.ts';
import { embed } from '../sql/text.ts';
import { allExpressions } from './places.ts';

/**
 * After a query over many expressions failed: the error of the first expression that fails alone, else `cause`. A value
 * that an expression cannot take (a text in a CAST) shows only while rows are read.
 */
export async function blameExpression(
  connection: DuckDBConnection,
  config: DatasetConfig,
  relation: string,
  cause: unknown,
): Promise<unknown> {
  if (!(cause instanceof TributaryError) || cause.code !== 'DATA_FAILED') return cause;
  for (const { usedBy, sql } of allExpressions(config)) {
    try {
      await connection.run(`SELECT count(hash(${embed(sql)})) FROM ${relation}`);
    } catch (own) {
      return error('DATA_EXPRESSION_INVALID', { usedBy, expression: sql, reason: reasonOf(own, usedBy) }, own);
    }
  }
  return cause;
}

/** DuckDB's reason, without the query. */
export const reasonOf = (cause: unknown, doing: string): string =>
  (duckdbError(cause, doing) as { details?: { reason?: string } }).details?.reason ?? 'it does not fit the data';
