/** Values of later files that are none of the type that training found: an error where an expression computes with them. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { type Column, numberColumn, writtenColumn } from '../formats/columns.ts';
import { baseSource, type Source, viewOf } from '../sources/source.ts';
import { queryOne } from '../sql/duckdb.ts';
import type { Expression } from '../sql/one-expression.ts';
import { identifier, sameName } from '../sql/text.ts';
import { columnOf } from './as-written.ts';
import { referencedColumns } from './columns.ts';
import { columnUses } from './places.ts';

/**
 * Throws DATA_VALUE_TYPE for the first value that an expression computes with and that does not fit the type its column is
 * bound to, DATA_FIELD_NUMBER for one of a numeric field that is no number. Fields that are a column itself take any text, and
 * a key of a join that does not fit matches nothing.
 */
export async function checkFit(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  expressions: Expression[],
): Promise<void> {
  if (!sources.some(({ misfits }) => misfits.size > 0)) return;
  const uses = columnUses(config);
  const computed: Expression[] = [];
  for (const expression of expressions) {
    const use = uses.get(expression.usedBy);
    const found = use === undefined ? undefined : columnOf(config, sources, expression.sql);
    if (use === undefined || found === undefined) computed.push(expression);
    else if (use === 'number')
      await checkColumn(connection, sources, found.source, found.column, expression.usedBy, true);
  }
  const derived = sources.flatMap(({ name }) =>
    Object.entries(config.sources[name]?.derive ?? {}).map(([column, sql]) => ({
      source: name,
      usedBy: `sources.${name}.derive.${column}`,
      sql,
    })),
  );
  const references = await referencedColumns(connection, [...computed, ...derived]);
  for (const [i, names] of references.entries()) {
    const { usedBy } = computed[i] ?? derived[i - computed.length];
    const own = derived[i - computed.length]?.source;
    for (const [first, second] of names)
      for (const source of own === undefined ? [baseSource(config), ...config.joins.map((j) => j.source)] : [own]) {
        const name = first === source && second !== undefined ? second : first;
        const column = columnsOf(sources, source).find((c) => sameName(c.name, name));
        if (column !== undefined) await checkColumn(connection, sources, source, column, usedBy, false);
      }
  }
}

const columnsOf = (sources: Source[], name: string): Column[] => sources.find((s) => s.name === name)?.columns ?? [];

async function checkColumn(
  connection: DuckDBConnection,
  sources: Source[],
  source: string,
  column: Column,
  usedBy: string,
  isNumber: boolean,
): Promise<void> {
  const misfit = sources.find(({ name }) => name === source)?.misfits.get(column.name.toLowerCase());
  const count = (isNumber && column.number ? misfit?.notNumbers : misfit?.values) ?? 0;
  if (count === 0) return;
  const text = column.written ? writtenColumn(column.name) : "'a value of another type'";
  const value = isNumber && column.number ? numberColumn(column.name) : identifier(column.name);
  const first = await queryOne(
    connection,
    `SELECT n, text FROM (SELECT row_number() OVER () AS n, ${text} AS text, ${value} AS value FROM ${viewOf(source)})
     WHERE text IS NOT NULL AND value IS NULL LIMIT 1`,
    `looking for values of "${column.name}"`,
  );
  throw error('DATA_VALUE_TYPE', {
    column: column.name,
    type: column.type,
    usedBy,
    value: String(first?.text),
    source,
    row: Number(first?.n),
    count,
  });
}
