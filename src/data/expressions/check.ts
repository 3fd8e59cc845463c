/** Checks the expressions of a configuration against the columns of its sources: do the columns exist, and what types result? */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { joinedRelation } from '../sources/joined.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { withoutInfinite } from '../sql/finite.ts';
import { present } from '../sql/missing.ts';
import type { Expression, Value } from '../sql/one-expression.ts';
import { embed, sameName } from '../sql/text.ts';
import { valueAsWritten } from './as-written.ts';
import { reasonOf } from './blame.ts';
import { referencedColumns } from './columns.ts';
import { allExpressions, columnUses } from './places.ts';

/** The values of a configuration's expressions by their `usedBy`, as `checkExpressions` gives them. */
export type Values = ReadonlyMap<string, Value>;

/** The value of an expression that was checked. */
export function checkedValue(values: Values, usedBy: string): Value {
  const value = values.get(usedBy);
  if (value === undefined) throw new Error(`the expression of ${usedBy} was not checked`);
  return value;
}

/**
 * Checks that all columns exist, then that every expression fits the types, without reading a row. Returns what each
 * expression gives. Throws DATA_COLUMNS_MISSING (all of them at once), DATA_EXPRESSION_INVALID.
 */
export async function checkExpressions(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  expressions: Expression[] = allExpressions(config),
): Promise<Values> {
  const missing: { column: string; usedBy: string; nearest?: string }[] = [];
  const joined = [baseSource(config), ...config.joins.map((j) => j.source)];
  const available = [
    ...new Set(joined.flatMap((name) => sources.find((s) => s.name === name)?.columns.map((c) => c.name) ?? [])),
  ];
  const has = (names: string[], column: string) => names.some((n) => sameName(n, column));
  const note = (column: string, usedBy: string, among: string[]) => {
    if (!missing.some((m) => m.column === column && m.usedBy === usedBy))
      missing.push({ column, usedBy, nearest: nearest(column, among, likely(column)) });
  };
  config.joins.forEach(({ source, on }, i) => {
    const left = joined
      .slice(0, i + 1)
      .flatMap((name) => sources.find((s) => s.name === name)?.columns.map((c) => c.name) ?? []);
    const right = sources.find((s) => s.name === source)?.columns.map((c) => c.name) ?? [];
    for (const [to, from] of Object.entries(on)) {
      if (!has(left, to)) note(to, `the join with "${source}", left side`, left);
      if (!has(right, from)) note(from, `the join with "${source}", right side`, right);
    }
  });
  const references = await referencedColumns(connection, expressions);
  for (const [i, { usedBy }] of expressions.entries())
    for (const reference of references[i]) {
      const column = reference.length > 1 && has(joined, reference[0]) ? reference[1] : reference[0];
      if (!has(available, column)) note(column, usedBy, available);
    }
  if (missing.length > 0) throw error('DATA_COLUMNS_MISSING', { missing, available });
  const relation = joinedRelation(config, sources);
  const finite = await finiteExpressions(connection, relation, expressions);
  const types = await expressionTypes(connection, relation, finite);
  const uses = columnUses(config);
  return new Map(
    finite.map(({ usedBy, sql }, i) => {
      const use = uses.get(usedBy);
      const written = use && valueAsWritten(config, sources, expressions[i].sql, use);
      return [usedBy, written ?? { sql: present(embed(sql), types[i]), type: types[i] }];
    }),
  );
}

/** The expressions with NULL for what is not finite, as far as DuckDB takes them so: an interval may be divided, too. */
async function finiteExpressions(
  connection: DuckDBConnection,
  relation: string,
  expressions: Expression[],
): Promise<Expression[]> {
  const texts = await withoutInfinite(
    connection,
    expressions.map(({ sql }) => sql),
  );
  const changed = expressions.map((expression, i) => ({ ...expression, sql: texts[i] }));
  const result: Expression[] = [];
  for (const [i, expression] of changed.entries()) {
    const isUsable = expression.sql === expressions[i].sql || (await fits(connection, relation, expression.sql));
    result.push(isUsable ? expression : expressions[i]);
  }
  return result;
}

const fits = (connection: DuckDBConnection, relation: string, sql: string): Promise<boolean> =>
  connection.run(`DESCRIBE SELECT ${embed(sql)} FROM ${relation}`).then(
    () => true,
    () => false,
  );

/** DuckDB's types of expressions over a relation. Throws DATA_EXPRESSION_INVALID. */
async function expressionTypes(
  connection: DuckDBConnection,
  relation: string,
  expressions: Expression[],
): Promise<string[]> {
  try {
    const values = expressions.map(({ sql }, i) => `${embed(sql)} AS value${i}`).join(', ');
    const result = await connection.runAndReadAll(`DESCRIBE SELECT ${values} FROM ${relation}`);
    return result.getRowObjectsJS().map((row) => String(row.column_type));
  } catch (cause) {
    const [{ usedBy, sql }, ...others] = expressions;
    if (others.length === 0)
      throw error('DATA_EXPRESSION_INVALID', { usedBy, expression: sql, reason: reasonOf(cause, usedBy) }, cause);
    // Which of them does not fit? One by one only now, for every query opens the sources anew.
    const types: string[] = [];
    for (const expression of expressions) types.push(...(await expressionTypes(connection, relation, [expression])));
    return types;
  }
}

/** A name that takes more edits than these is hardly the one that was meant. */
const likely = (column: string): number => Math.max(1, Math.floor(column.length / 3));
