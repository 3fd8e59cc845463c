/** Sources as DuckDB views: files found, CSV dialects settled, types known; and the one relation that joins them. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { planCsv } from '../formats/csv.ts';
import { checkFileKind } from '../formats/file-kind.ts';
import { planJson } from '../formats/json.ts';
import { type ParquetTable, planParquet } from '../formats/parquet.ts';
import { duckdbError, embed, execute, identifier, literal, openDuckDB, query, queryOne } from '../sql/duckdb.ts';
import { withoutInfinite } from '../sql/finite.ts';
import { registerNumberText } from '../sql/functions.ts';
import { hasMissing, present } from '../sql/missing.ts';
import { parseExpressions, SOURCE_SCHEMA } from '../sql/one-expression.ts';
import { bindValue, type Misfit, type Part, typedText } from './bind.ts';
import { type Column, isBeside, type Reading } from './columns.ts';
import { joinKeySql } from './join-keys.ts';
import {
  FILE,
  type Format,
  filesIn,
  formatOf,
  isBesideTables,
  isFolder,
  isTable,
  partitionColumns,
  readingFiles,
} from './source-files.ts';

type SourceConfig = DatasetConfig['sources'][string];

export interface Source {
  name: string;
  format: Format;
  /** Absolute paths, in reading order. */
  files: string[];
  columns: Column[];
  rows: number;
  /** By column in lower case: values that do not fit the types from training. */
  misfits: ReadonlyMap<string, Misfit>;
  original: Original;
}

/** The columns of the files as they are: nothing derived, nothing missing that was there. */
export interface Original {
  columns: Column[];
  /** SQL that gives them; and all as texts where the files have nothing else. */
  sql: string;
  texts: string;
}

/**
 * The view of a source, in which missing values are NULL. Views have a schema of their own, so that a source may be called
 * like a table of ours.
 */
export const viewOf = (source: string): string => `${SOURCE_SCHEMA}.${identifier(source)}`;

/** The source whose rows are the examples. */
export const baseSource = (config: DatasetConfig): string => config.from ?? Object.keys(config.sources)[0];

/**
 * Makes one view per source, named like it, and returns what is in them. `reading` says how the columns of a source are read.
 * Throws DATA_FILES_MISSING, DATA_FILE_EMPTY, DATA_FILE_KIND, DATA_FOLDER, DATA_CSV_*, DATA_ENCODING*, DATA_FILE_DAMAGED,
 * DATA_TYPES_DIFFER.
 */
export async function createSourceViews(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sourceFolder: string,
  reading: (source: string) => Reading = () => ({}),
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, source] of Object.entries(config.sources)) {
    const files = await findFiles(name, source, sourceFolder);
    sources.push(await createSourceView(connection, name, source, files, reading(name)));
  }
  return sources;
}

/** Makes the view of one source from files already found. */
export async function createSourceView(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  files: string[],
  reading: Reading = {},
): Promise<Source> {
  const format = config.format === 'auto' ? commonFormat(name, files) : config.format;
  for (const path of files) {
    if (statSync(path).size === 0) throw error('DATA_FILE_EMPTY', { path, source: name });
    checkFileKind(path, format);
  }
  const plan = await planSource(connection, name, format, config, files, reading);
  const { read, parts, rows: counted } = plan;
  const { rows, misfits } = await countRows(connection, readingFiles(name, files), read, parts, counted);
  if (rows === 0) throw error('DATA_FILE_EMPTY', { path: files[0], source: name });
  const own = parts.map(({ column }) => withoutCopies(column, misfits.get(column.name.toLowerCase())));
  // Texts of a CSV were read with the empty one as NULL.
  const changed = format === 'csv' ? own.filter(({ type }) => type !== 'VARCHAR') : own;
  const columns = await createView(connection, name, config, selectParts(read, parts), own, changed);
  return { name, format, files, columns, rows, misfits, original: originalOf(config, plan, misfits) };
}

function originalOf({ nullValues }: SourceConfig, plan: Plan, misfits: ReadonlyMap<string, Misfit>): Original {
  const { asItWas, partitions } = plan;
  const folders = partitions.map(({ column, select }) => ({ column, sql: select[0] }));
  const select = (columns: { sql: string }[], from: string): string =>
    `SELECT ${columns.map(({ sql }) => sql).join(', ')} FROM (${from})`;
  if (asItWas.texts === undefined) {
    const own = asItWas.columns.map((column) => ({ column, sql: identifier(column.name) }));
    const columns = [...own, ...folders];
    const sql = select(columns, asItWas.sql);
    return { columns: columns.map(({ column }) => column), sql, texts: sql };
  }
  // Integers that are printed as they were written are integers; all else of a CSV is text.
  const own = asItWas.columns.map(({ name, type }) => {
    const isInteger = type === 'BIGINT' && (misfits.get(name.toLowerCase())?.respelled ?? 0) === 0;
    const nulls = nullValues.filter((text) => text !== '').map(literal);
    const text =
      nulls.length === 0
        ? identifier(name)
        : `CASE WHEN ${identifier(name)} NOT IN (${nulls}) THEN ${identifier(name)} END`;
    const column = { name, type: isInteger ? 'BIGINT' : 'VARCHAR' };
    return { column, sql: `${isInteger ? `CAST(${text} AS BIGINT)` : text} AS ${identifier(name)}` };
  });
  const columns = [...own, ...folders];
  const texts = [...asItWas.columns.map(({ name }) => ({ sql: identifier(name) })), ...folders];
  return {
    columns: columns.map(({ column }) => column),
    sql: select(columns, asItWas.texts),
    texts: select(texts, asItWas.texts),
  };
}

/** How a source is read. */
interface Plan {
  read: string;
  parts: Part[];
  rows?: number;
  /** The columns of the files and SQL that reads them; of a CSV as texts. */
  asItWas: { columns: Column[]; sql: string; texts?: string };
  partitions: Part[];
}

/** A column that holds integers which are all printed as they were written needs no text beside it. */
function withoutCopies(column: Column, misfit: Misfit | undefined): Column {
  const isExact = misfit?.values === 0 && misfit.notNumbers === 0 && misfit.respelled === 0;
  return isExact && column.type === 'BIGINT' ? { name: column.name, type: column.type } : column;
}

/** The format of files whose source does not say it. Throws DATA_FORMATS_DIFFER. */
function commonFormat(source: string, files: string[]): Format {
  const format = formatOf(files[0]);
  const other = files.find((path) => formatOf(path) !== format);
  if (other !== undefined)
    throw error('DATA_FORMATS_DIFFER', { source, files: [files[0], other], formats: [format, formatOf(other)] });
  return format;
}

/** How the files of a source are read, and what columns are made of them. */
async function planSource(
  connection: DuckDBConnection,
  name: string,
  format: Format,
  config: SourceConfig,
  files: string[],
  reading: Reading,
): Promise<Plan> {
  const isPartitioned = files.some((path) => /[/\\][^/\\=]+=[^/\\]*[/\\]/.test(path));
  const option = isPartitioned || config.fileColumn !== undefined ? `, filename = '${FILE}'` : '';
  const table =
    format === 'csv'
      ? await planCsv(connection, name, config, files, option, reading)
      : format === 'json'
        ? await planJson(connection, name, files, option, reading)
        : bindColumns(await planParquet(connection, name, files, option, reading), reading);
  const own = table.parts.map(({ column }) => column.name);
  const fileColumn = config.fileColumn === undefined ? [] : [typedText(config.fileColumn, FILE, 'VARCHAR')];
  const partitions = partitionColumns(files, own, reading);
  return { ...table, parts: [...table.parts, ...fileColumn, ...partitions], partitions };
}

function bindColumns({ read, columns }: ParquetTable, { bound }: Reading): Pick<Plan, 'read' | 'parts' | 'asItWas'> {
  const parts = columns.map((column) => {
    const known = bound?.(column.name);
    const sql = identifier(column.name);
    return known === undefined ? { column, select: [sql] } : bindValue(column.name, sql, column.type, known);
  });
  return { read, parts, asItWas: { columns, sql: read } };
}

const selectParts = (read: string, parts: Part[]): string =>
  `SELECT ${parts.flatMap(({ select }) => select).join(', ')} FROM (${read})`;

/** Counts the rows, unless that is done, and the values that do not fit the types they are bound to. */
async function countRows(
  connection: DuckDBConnection,
  doing: string,
  read: string,
  parts: Part[],
  counted: number | undefined,
): Promise<{ rows: number; misfits: Map<string, Misfit> }> {
  const checked = parts.filter(({ unfit }) => unfit !== undefined);
  if (counted !== undefined && checked.length === 0) return { rows: counted, misfits: new Map() };
  const counts = checked.flatMap(({ unfit, notNumber = 'false', respelled = 'false' }, i) => [
    `count(*) FILTER (${unfit}) AS unfit${i}`,
    `count(*) FILTER (${notNumber}) AS not_number${i}`,
    `count(*) FILTER (${respelled}) AS respelled${i}`,
  ]);
  const found = await queryOne(
    connection,
    `SELECT ${['count(*) AS rows', ...counts].join(', ')} FROM (${read})`,
    doing,
  );
  const misfits = checked.map(({ column }, i): [string, Misfit] => [
    column.name.toLowerCase(),
    {
      values: Number(found[`unfit${i}`]),
      notNumbers: Number(found[`not_number${i}`]),
      respelled: Number(found[`respelled${i}`]),
    },
  ]);
  return { rows: Number(found.rows), misfits: new Map(misfits) };
}

/** Makes the view of a source out of what reads its files; returns its columns. Throws DATA_EXPRESSION_INVALID. */
async function createView(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  read: string,
  own: Column[],
  mayMiss: Column[],
): Promise<Column[]> {
  const replaced = mayMiss
    .filter(({ type }) => hasMissing(type))
    .map(({ name, type }) => `${present(identifier(name), type)} AS ${identifier(name)}`);
  const known = replaced.length === 0 ? read : `SELECT * REPLACE (${replaced.join(', ')}) FROM (${read})`;
  const { sql, columns } = await deriveColumns(connection, name, config, known, own);
  await execute(connection, `CREATE SCHEMA IF NOT EXISTS ${SOURCE_SCHEMA}`, 'making room for the sources');
  await execute(connection, `CREATE OR REPLACE VIEW ${viewOf(name)} AS ${sql}`, `reading source "${name}"`);
  return columns;
}

/** The place of a derived column in the configuration. */
export const derivedColumn = (source: string, column: string): string => `sources.${source}.derive.${column}`;

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

/** Column names and types of a query. */
async function describe(connection: DuckDBConnection, sql: string, doing: string): Promise<Column[]> {
  const rows = await query(connection, `DESCRIBE ${sql}`, doing);
  return rows.map((r) => ({ name: String(r.column_name), type: String(r.column_type) }));
}

/** Absolute paths of a source's files: lists in their order, the matches of one glob in the order of their names. */
export async function findFiles(name: string, config: SourceConfig, sourceFolder: string): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of [config.path].flat()) {
    const path = isAbsolute(pattern) ? pattern : join(resolve(sourceFolder), pattern);
    const matches = existsSync(path)
      ? isFolder(path)
        ? filesIn(path, name, config.format)
        : [regularFile(path)]
      : await matchingFiles(path);
    if (matches.length === 0)
      throw error('DATA_FILES_MISSING', { source: name, pattern, folder: resolve(sourceFolder) });
    files.push(...matches);
  }
  return files;
}

/** The path of a file that has an end. Throws FILE_UNREADABLE for pipes and devices: reading them may never end. */
function regularFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return path;
  throw error('FILE_UNREADABLE', { path, reason: 'it is a device or a pipe, expected a file' });
}

/** Paths of the sources' files as far as they are there: all that a database needs to open for a configuration. */
export async function presentFiles(config: DatasetConfig, sourceFolder: string): Promise<string[]> {
  const files: string[] = [];
  for (const [name, source] of Object.entries(config.sources))
    files.push(...(await findFiles(name, source, sourceFolder).catch(asNone)));
  return files;
}

/** What is missing is reported where it is opened. */
function asNone(cause: unknown): [] {
  if (cause instanceof TributaryError) return [];
  throw cause;
}

/**
 * Files that a pattern matches, in the order of their names, without what programs write beside tables; folders that are
 * called like a table stand for the tables in them.
 */
async function matchingFiles(pattern: string): Promise<string[]> {
  const { connection, close } = await openDuckDB({
    access: { folders: [dirname(`${pattern.slice(0, pattern.search(/[*?[]|$/))}.`)] },
  });
  const start = pattern.slice(0, pattern.search(/[*?[]|$/)).replace(/[^/\\]*$/, '');
  const glob = async (text: string): Promise<string[]> => {
    const found = await query(connection, `SELECT file FROM glob(${literal(text)})`, `looking for ${pattern}`);
    return found.map(({ file }) => String(file)).filter((file) => !isBesideTables(file.slice(start.length)));
  };
  try {
    const files = await glob(pattern);
    const isTableFolder = /\.(parquet|pq|csv|json|jsonl)$/i.test(pattern);
    const goesBelow = !pattern.includes('**') && (files.length === 0 || isTableFolder);
    const below = goesBelow
      ? (await glob(`${pattern}/**`)).filter((path) => isTable(path) && statSync(path).size > 0)
      : [];
    return [...new Set([...files, ...below])].sort();
  } finally {
    close();
  }
}

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

const columnsOf = (sources: Source[], name: string): Column[] => sources.find((s) => s.name === name)?.columns ?? [];

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export interface JoinKey {
  /** Column of the rows so far, and of the joined source. */
  left: string;
  right: string;
  /** Types of the two. */
  wanted: string;
  found: string;
  /** SQL of the right key in the left one's type, NULL where nothing can match it. */
  sql: string;
}

/** The keys of a join, by its place among the joins: both columns and the SQL that makes them comparable. */
export function joinKeys(config: DatasetConfig, sources: Source[], place: number): JoinKey[] {
  const { source, on } = config.joins[place];
  const before = [baseSource(config), ...config.joins.slice(0, place).map((join) => join.source)];
  const left = before.flatMap((name) => columnsOf(sources, name));
  return Object.entries(on).map(([to, from]) => {
    const wanted = left.find((c) => sameName(c.name, to))?.type ?? 'VARCHAR';
    const found = columnsOf(sources, source).find((c) => sameName(c.name, from))?.type ?? wanted;
    return { left: to, right: from, wanted, found, sql: joinKeySql(from, found, wanted) };
  });
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
  const access = { files: await presentFiles(config, sourceFolder) };
  const database = await openDuckDB({ ...options, access, tempFolder });
  try {
    await registerNumberText(database.connection);
    const sources = await createSourceViews(database.connection, config, sourceFolder);
    const columns = await describe(
      database.connection,
      `SELECT * FROM ${joinedRelation(config, sources)}`,
      'joining the sources',
    );
    return { sources, columns: columns.filter(({ name }) => !isBeside(name)) };
  } finally {
    database.close();
    rmSync(tempFolder, { recursive: true, force: true });
  }
}
