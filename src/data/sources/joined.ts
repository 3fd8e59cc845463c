/** The joined rows: the base source with the other sources on its right. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { execute } from '../sql/duckdb.ts';
import { identifier, sameName } from '../sql/text.ts';
import { joinKeys } from './join-keys.ts';
import { baseSource, columnsOf, type Source, viewOf } from './source.ts';

/** A name that is none of those taken, whatever their case: users' columns have any names, also those of ours. */
function freeName(wanted: string, taken: readonly string[]): string {
  const others = new Set(taken.map((name) => name.toLowerCase()));
  let name = wanted;
  while (others.has(name.toLowerCase())) name += '_';
  return name;
}

/** A name that no source and no column of a source has, as SQL. */
export const freeAmong = (wanted: string, sources: readonly Source[]): string =>
  identifier(
    freeName(
      wanted,
      sources.flatMap(({ name, columns }) => [name, ...columns.map((c) => c.name)]),
    ),
  );

/** The column that numbers the rows of the base source from 0, where `joinedRelation` was asked for it, as SQL. */
export const rowColumn = (sources: readonly Source[]): string => freeAmong('__row', sources);

/** Table of the base source's rows, in their order, where `keepBaseRows` was asked for it. */
const BASE_ROWS = 'base_rows';

/**
 * Keeps some columns of the base source in a temporary table, named by their place. Its rows have numbers by themselves
 * (DuckDB's rowid, which a column of that name would hide); numbering the rows of a scan makes all that follows run in
 * one thread.
 */
export function keepBaseRows(connection: DuckDBConnection, config: DatasetConfig, columns: string[]): Promise<void> {
  const kept = columns.map((name, i) => `${identifier(name)} AS c${i}`);
  return execute(
    connection,
    `CREATE TEMP TABLE ${BASE_ROWS} AS SELECT ${kept.length === 0 ? 'NULL AS c0' : kept.join(', ')} FROM ${viewOf(baseSource(config))}`,
    `reading source "${baseSource(config)}"`,
  );
}

/**
 * What stands after FROM for the rows of the configuration: the base source joined with the others. Columns can be
 * named bare where the name is unique, or as `source.column`; columns that join are one column.
 * With `rowNumbers`, the column `rowColumn` holds the position in the base source; with `kept`, too, out of the table
 * that `keepBaseRows` made of these columns.
 */
export function joinedRelation(
  config: DatasetConfig,
  sources: Source[],
  options: { rowNumbers?: boolean; kept?: string[] } = {},
): string {
  const base = identifier(baseSource(config));
  const row = rowColumn(sources);
  const columns = options.kept?.map((name, i) => `, c${i} AS ${identifier(name)}`).join('');
  const numbered = options.kept
    ? `(SELECT rowid AS ${row}${columns} FROM ${BASE_ROWS}) AS ${base}`
    : `(SELECT row_number() OVER () - 1 AS ${row}, * FROM ${viewOf(baseSource(config))}) AS ${base}`;
  const from = options.kept || options.rowNumbers ? numbered : `${viewOf(baseSource(config))} AS ${base}`;
  const joins = config.joins.map((join, i) => `${join.kind.toUpperCase()} JOIN ${joinSide(config, sources, i)}`);
  return [from, ...joins].join(' ');
}

/** The right side of a join with its keys named and typed like the left ones, so that USING makes them one column. */
function joinSide(config: DatasetConfig, sources: Source[], place: number): string {
  const { source } = config.joins[place];
  const right = columnsOf(sources, source);
  const pairs = joinKeys(config, sources, place);
  const keys = pairs.map(({ sql, left }) => `${sql} AS ${identifier(left)}`);
  // A column of the right side that is called like a left key but is not the key would make the name ambiguous.
  const hidden = right.filter((c) => pairs.some(({ left }) => sameName(c.name, left))).map((c) => identifier(c.name));
  const others =
    hidden.length === right.length ? '' : `* ${hidden.length === 0 ? '' : `EXCLUDE (${hidden.join(', ')})`}`;
  const using = pairs.map(({ left }) => identifier(left)).join(', ');
  return `(SELECT ${[...keys, ...(others === '' ? [] : [others])].join(', ')} FROM ${viewOf(source)}) AS ${identifier(source)} USING (${using})`;
}
