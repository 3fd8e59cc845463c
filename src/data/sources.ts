/** Sources as DuckDB views: files found, CSV dialects settled, types known; and the one relation that joins them. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../base/errors/index.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { type Column, fileColumn, planCsv } from './csv.ts';
import { duckdbError, embed, execute, identifier, literal, openDuckDB, query, queryOne } from './duckdb.ts';

type SourceConfig = DatasetConfig['sources'][string];

export interface Source {
  name: string;
  format: 'csv' | 'parquet' | 'json';
  /** Absolute paths, in reading order. */
  files: string[];
  columns: Column[];
  rows: number;
}

/** The view of a source. Views have a schema of their own, so that a source may be called like a table of ours. */
export const viewOf = (source: string): string => `sources.${identifier(source)}`;

/** The source whose rows are the examples. */
export const baseSource = (config: DatasetConfig): string => config.from ?? Object.keys(config.sources)[0];

/**
 * Makes one view per source, named like it, and returns what is in them. CSV columns with `isText` stay texts.
 * Throws DATA_FILES_MISSING, DATA_FILE_EMPTY, DATA_CSV_*, DATA_ENCODING*, DATA_FILE_DAMAGED.
 */
export async function createSourceViews(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sourceFolder: string,
  isText?: (column: string) => boolean,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, source] of Object.entries(config.sources)) {
    const files = await findFiles(connection, name, source, sourceFolder);
    sources.push(await createSourceView(connection, name, source, files, isText));
  }
  return sources;
}

/** Makes the view of one source from files already found. CSV columns with `isText` stay texts whatever they look like. */
export async function createSourceView(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  files: string[],
  isText: (column: string) => boolean = () => false,
): Promise<Source> {
  const format = config.format === 'auto' ? formatOf(files[0]) : config.format;
  for (const path of files) if (statSync(path).size === 0) throw error('DATA_FILE_EMPTY', { path, source: name });
  await execute(connection, 'CREATE SCHEMA IF NOT EXISTS sources', 'making room for the sources');
  const view = async (sql: string): Promise<void> =>
    execute(connection, `CREATE OR REPLACE VIEW ${viewOf(name)} AS ${sql}`, `reading source "${name}"`);
  if (format === 'csv') {
    const { sql, columns, rows } = await planCsv(connection, name, config, files, isText);
    if (rows === 0) throw error('DATA_FILE_EMPTY', { path: files[0], source: name });
    const derived = await deriveColumns(connection, name, config, sql, columns);
    await view(derived.sql);
    return { name, format, files, columns: derived.columns, rows };
  }
  const read = format === 'parquet' ? readParquet(config, files) : await readJson(connection, name, config, files);
  const own = await describe(connection, read, `reading source "${name}"`);
  const { sql, columns } = await deriveColumns(connection, name, config, read, own);
  await view(sql);
  const { rows } = await queryOne(
    connection,
    `SELECT count(*) AS rows FROM ${viewOf(name)}`,
    `reading source "${name}"`,
  );
  if (Number(rows) === 0) throw error('DATA_FILE_EMPTY', { path: files[0], source: name });
  return { name, format, files, columns, rows: Number(rows) };
}

/** Adds the columns that the configuration derives and the files do not have. Throws DATA_EXPRESSION_INVALID. */
async function deriveColumns(
  connection: DuckDBConnection,
  name: string,
  { derive = {} }: SourceConfig,
  sql: string,
  columns: Column[],
): Promise<{ sql: string; columns: Column[] }> {
  const result = { sql, columns: [...columns] };
  for (const [column, expression] of Object.entries(derive)) {
    if (result.columns.some((c) => sameName(c.name, column))) continue;
    const doing = `sources.${name}.derive.${column}`;
    result.sql = `SELECT *, ${embed(expression)} AS ${identifier(column)} FROM (${result.sql})`;
    try {
      const types = await connection.runAndReadAll(`DESCRIBE ${result.sql}`);
      result.columns.push({ name: column, type: String(types.getRowObjectsJS().at(-1)?.column_type) });
    } catch (cause) {
      const reason = (duckdbError(cause, doing) as { details?: { reason?: string } }).details?.reason ?? String(cause);
      throw error('DATA_EXPRESSION_INVALID', { usedBy: doing, expression, reason }, cause);
    }
  }
  return result;
}

/** Column names and types of a query. */
export async function describe(connection: DuckDBConnection, sql: string, doing: string): Promise<Column[]> {
  const rows = await query(connection, `DESCRIBE ${sql}`, doing);
  return rows.map((r) => ({ name: String(r.column_name), type: String(r.column_type) }));
}

/** Absolute paths of a source's files: lists in their order, the matches of one glob in the order of their names. */
export async function findFiles(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  sourceFolder: string,
): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of [config.path].flat()) {
    const path = isAbsolute(pattern) ? pattern : join(resolve(sourceFolder), pattern);
    const matches = existsSync(path)
      ? [path]
      : (await query(connection, `SELECT file FROM glob(${literal(path)})`, `looking for ${path}`))
          .map((r) => String(r.file))
          .sort();
    if (matches.length === 0)
      throw error('DATA_FILES_MISSING', { source: name, pattern, folder: resolve(sourceFolder) });
    files.push(...matches);
  }
  return files;
}

export const formatOf = (path: string): Source['format'] =>
  /\.(parquet|pq)$/i.test(path) ? 'parquet' : /\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i.test(path) ? 'json' : 'csv';

const readParquet = (config: SourceConfig, files: string[]): string =>
  `SELECT * FROM read_parquet([${files.map(literal).join(', ')}], union_by_name = true${fileColumn(config)})`;

/** JSON lines with the types DuckDB finds, except that texts stay texts: a date is not turned into another spelling. */
async function readJson(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  files: string[],
): Promise<string> {
  const paths = `[${files.map(literal).join(', ')}], format = 'newline_delimited'`;
  const found = await describe(
    connection,
    `SELECT * FROM read_json(${paths}, sample_size = -1)`,
    `reading source "${name}"`,
  );
  const columns = found.map(
    ({ name, type }) => `${literal(name)}: ${literal(/^(DATE|TIME.*|UUID)$/.test(type) ? 'VARCHAR' : type)}`,
  );
  return `SELECT * FROM read_json(${paths}, columns = {${columns.join(', ')}}${fileColumn(config)})`;
}

/** Name of the column that numbers the rows of the base source from 0, where `joinedRelation` was asked for it. */
export const ROW_COLUMN = '__row';

/** Table of the base source's rows, in their order, where `keepBaseRows` was asked for it. */
const BASE_ROWS = 'base_rows';

/**
 * Keeps some columns of the base source in a temporary table. Its rows have numbers by themselves; numbering the rows of
 * a scan makes all that follows run in one thread.
 */
export const keepBaseRows = (connection: DuckDBConnection, config: DatasetConfig, columns: string[]): Promise<void> =>
  execute(
    connection,
    `CREATE TEMP TABLE ${BASE_ROWS} AS SELECT ${columns.length === 0 ? 'NULL AS __none' : columns.map(identifier).join(', ')} FROM ${viewOf(baseSource(config))}`,
    `reading source "${baseSource(config)}"`,
  );

/**
 * What stands after FROM for the rows of the configuration: the base source joined with the others. Columns can be
 * named bare where the name is unique, or as `source.column`; columns that join are one column.
 * With `rowNumbers`, the column `__row` holds the position in the base source; with `kept`, too, out of the table that
 * `keepBaseRows` made, with the columns that it has.
 */
export function joinedRelation(
  config: DatasetConfig,
  sources: Source[],
  options: { rowNumbers?: boolean; kept?: boolean } = {},
): string {
  const base = identifier(baseSource(config));
  const numbered = options.kept
    ? `(SELECT rowid AS ${ROW_COLUMN}, * FROM ${BASE_ROWS}) AS ${base}`
    : `(SELECT row_number() OVER () - 1 AS ${ROW_COLUMN}, * FROM ${viewOf(baseSource(config))}) AS ${base}`;
  const from = options.kept || options.rowNumbers ? numbered : `${viewOf(baseSource(config))} AS ${base}`;
  const before = [baseSource(config)];
  const joins = config.joins.map(({ source, on, kind }) => {
    const left = before.flatMap((name) => columnsOf(sources, name));
    before.push(source);
    return `${kind.toUpperCase()} JOIN ${joinSide(source, on, left, columnsOf(sources, source))}`;
  });
  return [from, ...joins].join(' ');
}

const columnsOf = (sources: Source[], name: string): Column[] => sources.find((s) => s.name === name)?.columns ?? [];

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The right side of a join with its keys named and typed like the left ones, so that USING makes them one column. */
function joinSide(source: string, on: Record<string, string>, left: Column[], right: Column[]): string {
  const pairs = Object.entries(on);
  const keys = pairs.map(([to, from]) => {
    const wanted = left.find((c) => sameName(c.name, to))?.type;
    const found = right.find((c) => sameName(c.name, from))?.type;
    const value =
      wanted === found || wanted === undefined ? identifier(from) : `TRY_CAST(${identifier(from)} AS ${wanted})`;
    return `${value} AS ${identifier(to)}`;
  });
  // A column of the right side that is called like a left key but is not the key would make the name ambiguous.
  const hidden = right.filter((c) => pairs.some(([to]) => sameName(c.name, to))).map((c) => identifier(c.name));
  const others =
    hidden.length === right.length ? '' : `* ${hidden.length === 0 ? '' : `EXCLUDE (${hidden.join(', ')})`}`;
  const using = pairs.map(([to]) => identifier(to)).join(', ');
  return `(SELECT ${[...keys, ...(others === '' ? [] : [others])].join(', ')} FROM ${viewOf(source)}) AS ${identifier(source)} USING (${using})`;
}

/** Throws DATA_JOIN_DUPLICATE where a joined source has a key twice: its rows would multiply the examples. */
export async function checkJoinKeys(connection: DuckDBConnection, config: DatasetConfig): Promise<void> {
  for (const { source, on } of config.joins) {
    const keys = Object.values(on).map(identifier).join(', ');
    const [worst] = await query(
      connection,
      `SELECT concat_ws(', ', ${keys}) AS value, count(*) AS rows, count(*) OVER () AS duplicated
       FROM ${viewOf(source)} WHERE ${Object.values(on)
         .map((k) => `${identifier(k)} IS NOT NULL`)
         .join(' AND ')}
       GROUP BY ${keys} HAVING count(*) > 1 ORDER BY rows DESC, value LIMIT 1`,
      `looking for duplicate keys in source "${source}"`,
    );
    if (worst !== undefined)
      throw error('DATA_JOIN_DUPLICATE', {
        source,
        key: Object.values(on).join(', '),
        value: String(worst.value),
        rows: Number(worst.rows),
        duplicated: Number(worst.duplicated),
      });
  }
}

export interface Inspection {
  sources: Source[];
  /** Columns of the joined rows. */
  columns: Column[];
}

/** Reads only: the sources with their columns, types and row counts, and the columns that expressions can use. */
export async function inspectSources(
  config: DatasetConfig,
  sourceFolder: string,
  options: { memoryLimit?: string } = {},
): Promise<Inspection> {
  const tempFolder = mkdtempSync(join(tmpdir(), 'tributary-inspect-'));
  const database = await openDuckDB({ ...options, tempFolder });
  try {
    const sources = await createSourceViews(database.connection, config, sourceFolder);
    const columns = await describe(
      database.connection,
      `SELECT * FROM ${joinedRelation(config, sources)}`,
      'joining the sources',
    );
    return { sources, columns };
  } finally {
    database.close();
    rmSync(tempFolder, { recursive: true, force: true });
  }
}
