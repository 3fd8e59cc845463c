/**
 * What the files look like: sources with the profile of every column. Columns are looked at a few at a time, so that memory
 * does not grow with their number.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asReadError } from '../../base/files.ts';
import { type DatasetInput, datasetSchema } from '../../config/dataset.ts';
import { type Source, viewOf } from '../sources/source.ts';
import { createSourceView } from '../sources/views.ts';
import { execute, query, queryOne, type Row } from '../sql/duckdb.ts';
import { identifier } from '../sql/text.ts';
import type { FileGroup } from './files.ts';
import { createNamer } from './names.ts';
import { partsOf, SEPARATORS, type TextParts } from './separators.ts';

export interface ColumnProfile {
  source: string;
  name: string;
  /** Of the column in its source, from 1. */
  place: number;
  /** DuckDB's type. */
  type: string;
  /** Of its source. */
  rows: number;
  /** Share of rows without a value; NaN and the infinities are none. */
  missing: number;
  /** Number of different values. Many of them in many rows are estimated, within a quarter. */
  distinct: number;
  estimated: boolean;
  /** Smallest and largest value as text. */
  least: string;
  most: string;
  /** Mean length of the text. */
  length: number;
  /** Of a text column: rows whose text is a date or time that can be read, and what parts its texts have. */
  times: number;
  /** Rows whose text is a date in another order. */
  dates: number;
  parts?: TextParts;
  /** Share of the texts that are UUIDs or long hexadecimal numbers. */
  hexadecimal: number;
}

/** A source of files as a configuration says it. */
export type FileSource = DatasetInput['sources'][string] & { path: string | string[] };

export interface SourceProfile {
  name: string;
  /** As the configuration says it. */
  config: FileSource;
  /** The view with its columns. */
  source: Source;
  rows: number;
  columns: ColumnProfile[];
}

/** Columns of one query. */
const COLUMNS_AT_A_TIME = 64;
const EXACT_AT_A_TIME = 16;
/** Sources with at most this many values are kept in memory while they are looked at. */
const SMALL = 10_000_000;
/** Different values are estimated in sources of more rows, unless they turn out to be few. */
const MANY_ROWS = 1_000_000;
const FEW_VALUES = 5000;

/** Files of equal columns are one source. */
export async function profileFiles(connection: DuckDBConnection, found: FileGroup[]): Promise<SourceProfile[]> {
  const namer = createNamer();
  const groups: { name: string; members: FileGroup[]; source: Source; dialect: object }[] = [];
  for (const group of found) {
    const dialect = findDelimiter(group.files[0]);
    const name = namer.name(group.stem, 'data');
    const source = await open(connection, name, [group], dialect);
    const like = groups.find((other) => String(names(other.source)) === String(names(source)));
    if (like === undefined) groups.push({ name, members: [group], source, dialect });
    else like.members.push(group);
  }
  const sources: SourceProfile[] = [];
  for (const { name, members, source: first, dialect } of groups) {
    const source = members.length === 1 ? first : await open(connection, name, members, dialect);
    const paths = members.map(({ path }) => path);
    const config = { path: paths.length === 1 ? paths[0] : paths, ...dialect };
    sources.push({ name, config, source, rows: source.rows, columns: await profileColumns(connection, source) });
  }
  return sources;
}

const names = (source: Source): string[] => source.columns.map((c) => c.name);

function open(connection: DuckDBConnection, name: string, members: FileGroup[], dialect: object): Promise<Source> {
  const written = { [name]: { path: members.map(({ path }) => path), ...dialect } };
  const config = datasetSchema.shape.sources.parse(written)[name];
  const files = members.flatMap((member) => member.files);
  return createSourceView(connection, name, config, files);
}

/** A delimiter of two characters is not found by looking, so it is written down. */
function findDelimiter(path: string): { delimiter?: string } {
  const start = firstBytes(path);
  if (/\.(parquet|pq|jsonl?|ndjson|gz|zst)$/i.test(path)) return {};
  const lines = start
    .toString('latin1')
    .split('\n')
    .slice(0, 5)
    .filter((line) => line !== '');
  const counts = lines.map((line) => line.split('::').length);
  return counts.length > 0 && counts[0] > 1 && counts.slice(0, -1).every((n) => n === counts[0])
    ? { delimiter: '::' }
    : {};
}

function firstBytes(path: string): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(4096);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw asReadError(cause, path, 'a table');
  }
}

async function profileColumns(connection: DuckDBConnection, source: Source): Promise<ColumnProfile[]> {
  const doing = `looking at ${source.files.slice(0, 3).join(', ')}${source.files.length > 3 ? ' ...' : ''}`;
  const isSmall = source.rows * source.columns.length <= SMALL;
  const looked = { connection, from: isSmall ? PROFILED : viewOf(source.name), doing };
  if (isSmall)
    await execute(
      connection,
      `CREATE OR REPLACE TEMP TABLE ${PROFILED} AS SELECT * FROM ${viewOf(source.name)}`,
      doing,
    );
  const found: Row[] = [];
  for (const some of chunks(source.columns, COLUMNS_AT_A_TIME)) found.push(...(await countValues(looked, some)));
  const exact = await countExactly(looked, source, found);
  const columns: ColumnProfile[] = [];
  for (const [i, { name, type }] of source.columns.entries()) {
    const [row, present] = [found[i], Number(found[i].present)];
    const separated = SEPARATORS.some((_, k) => Number(row[`separated${k}`] ?? 0) >= 0.2 * present && present > 0);
    columns.push({
      source: source.name,
      name,
      place: i + 1,
      type,
      rows: source.rows,
      missing: 1 - present / source.rows,
      distinct: exact.get(i) ?? Number(row.distinct),
      estimated: !exact.has(i),
      least: String(row.least),
      most: String(row.most),
      length: Number(row.length ?? 0),
      times: Number(row.times ?? 0),
      dates: Number(row.dates ?? 0),
      hexadecimal: present === 0 ? 0 : Number(row.hexadecimal ?? 0) / present,
      ...(separated && { parts: partsOf(await someTexts(looked, name)) }),
    });
  }
  if (isSmall) await execute(connection, `DROP TABLE ${PROFILED}`, doing);
  return columns;
}

interface Looked {
  connection: DuckDBConnection;
  /** Table or view. */
  from: string;
  doing: string;
}

const PROFILED = '"__profiled"';
const DATE = "'[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}([ T].*)?'";
const HEXADECIMAL =
  "'[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}'";

/** One row of counts for each column; different values by a sketch. */
async function countValues({ connection, from, doing }: Looked, columns: Source['columns']): Promise<Row[]> {
  const counts = columns.map(({ name, type }) => countsOf(identifier(name), type));
  const select = counts.flatMap((of, i) => Object.entries(of).map(([what, sql]) => `${sql} AS ${what}_${i}`));
  const row = await queryOne(connection, `SELECT ${select.join(', ')} FROM ${from}`, doing);
  return counts.map((of, i) => Object.fromEntries(Object.keys(of).map((what) => [what, row[`${what}_${i}`]])));
}

function countsOf(column: string, type: string): Record<string, string> {
  const counts = {
    present: `count(${column})`,
    distinct: `approx_count_distinct(${column})`,
    least: `min(${column})::VARCHAR`,
    most: `max(${column})::VARCHAR`,
  };
  if (type !== 'VARCHAR') return counts;
  const separated = SEPARATORS.map((s, k) => [`separated${k}`, `count(*) FILTER (contains(${column}, '${s}'))`]);
  return {
    ...counts,
    length: `avg(length(${column}))`,
    times: `count(*) FILTER (TRY_CAST(${column} AS TIMESTAMP) IS NOT NULL)`,
    dates: `count(*) FILTER (TRY_CAST(${column} AS TIMESTAMP) IS NULL AND regexp_full_match(${column}, ${DATE}))`,
    hexadecimal: `count(*) FILTER (regexp_full_match(${column}, ${HEXADECIMAL}))`,
    ...Object.fromEntries(separated),
  };
}

/** Exact numbers of different values, by the column's index, where they are few or the rows not too many. */
async function countExactly(
  { connection, from, doing }: Looked,
  { rows, columns }: Source,
  found: Row[],
): Promise<Map<number, number>> {
  const asked = [...columns.keys()].filter((i) => rows <= MANY_ROWS || Number(found[i].distinct) <= FEW_VALUES);
  const exact = new Map<number, number>();
  for (const some of chunks(asked, EXACT_AT_A_TIME)) {
    const counts = some.map((i) => `count(DISTINCT ${identifier(columns[i].name)}) AS d${i}`);
    const row = await queryOne(connection, `SELECT ${counts.join(', ')} FROM ${from}`, doing);
    for (const i of some) exact.set(i, Number(row[`d${i}`]));
  }
  return exact;
}

/** Different texts of a column, from its first rows. */
async function someTexts({ connection, from, doing }: Looked, name: string): Promise<string[]> {
  const column = identifier(name);
  const sql = `SELECT DISTINCT ${column} AS text FROM (SELECT ${column} FROM ${from} WHERE ${column} IS NOT NULL LIMIT 50000)`;
  const rows = await query(connection, `SELECT text FROM (${sql}) ORDER BY hash(text) LIMIT 4000`, doing);
  return rows.map(({ text }) => String(text));
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
