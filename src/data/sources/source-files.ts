/** Files of a source that is a folder, and what the folders on a file's way say of its rows. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { literal } from '../sql/duckdb.ts';
import type { Part } from './bind.ts';
import { bindText, typedText } from './bind.ts';
import type { Reading } from './columns.ts';

export type Format = 'csv' | 'parquet' | 'json';

export const formatOf = (path: string): Format =>
  /\.(parquet|pq)$/i.test(path) ? 'parquet' : /\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i.test(path) ? 'json' : 'csv';

/** Endings of tables; files of folders that end otherwise are none, but those without an ending (Hadoop's part-00000). */
const TABLE = /(\.(parquet|pq|csv|tsv|txt|dat|data|json|jsonl|ndjson)(\.gz|\.zst)?|\.(gz|zst)|(^|[/\\])[^./\\]+)$/i;

/** What programs write beside tables: Spark's _SUCCESS, checksums, indexes, hidden files and folders. */
const BESIDE =
  /^(\..*|_SUCCESS|_metadata|_common_metadata|_committed_.*|_started_.*|_temporary|_spark_metadata|_delta_log)$/;

/** Is a path, below the folder where looking began, that of a file that a program wrote beside its tables? */
export const isBesideTables = (path: string): boolean =>
  path.split(/[/\\]/).some((name) => BESIDE.test(name) || /\.crc$/i.test(name));

/** Is it that of a table, by its ending? */
export const isTable = (path: string): boolean => TABLE.test(path) && !isBesideTables(path);

export const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
};

/**
 * The tables in a folder and those below it, in the order of their names; empty files are none. Throws DATA_FOLDER where there
 * are none, or tables of different formats, or where the folder is one of Delta Lake: some of its files may no longer count.
 */
export function filesIn(folder: string, source: string, wanted: 'auto' | Format): string[] {
  const refuse = (found: string, advice: string) => error('DATA_FOLDER', { path: folder, source, found, advice });
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true }).map(String).sort();
  } catch (cause) {
    throw asReadError(cause, folder, 'a folder of tables');
  }
  if (names.some((name) => /(^|[/\\])_delta_log$/.test(name)))
    throw refuse('a table of Delta Lake, some of whose files may no longer count', 'Export it as Parquet');
  const tables = names.filter((name) => isTable(name) && statSync(join(folder, name)).isFile());
  const format = wanted === 'auto' && /\.(parquet|pq)$/i.test(folder) ? 'parquet' : wanted;
  const formats = new Set(tables.map(formatOf));
  if (format === 'auto' && formats.size > 1)
    throw refuse(
      `tables of different formats (${[...formats].join(', ')})`,
      'Set "format" of the source, or name the files by a pattern',
    );
  const files = tables
    .filter((name) => format === 'auto' || formatOf(name) === format)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).size > 0);
  if (files.length === 0) throw refuse('no table with rows', 'Name the folder or files that hold them');
  return files;
}

/** What is done while the files of a source are read, for messages. */
export const readingFiles = (source: string, files: string[]): string =>
  `reading ${files[0]}${files.length > 1 ? ` and ${files.length - 1} more` : ''} (source "${source}")`;

/** The column of a reader that holds the path of a row's file, where something asks for it. */
export const FILE = '__file';

/** What stands for NULL in the name of a folder. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

/**
 * Columns out of folders that are named `column=value`, as Hive and Spark name them, of all files; a column of the files
 * themselves wins. Values are texts, or integers and dates where all are.
 */
export function partitionColumns(files: string[], own: string[], { bound }: Reading): Part[] {
  const taken = new Set(own.map((name) => name.toLowerCase()));
  const found = new Map<string, { name: string; values: Set<string> }>();
  for (const path of files)
    for (const folder of path.split(/[/\\]/).slice(0, -1)) {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(folder) ?? [];
      if (name === undefined || taken.has(name.toLowerCase())) continue;
      const column = found.get(name.toLowerCase()) ?? { name, values: new Set() };
      found.set(name.toLowerCase(), column);
      if (value !== NO_VALUE && value !== '') column.values.add(value);
    }
  return [...found.values()].map(({ name, values }) => {
    const pattern = `^.*[/\\\\]${escaped(name)}=([^/\\\\]*)[/\\\\]`;
    const value = `nullif(nullif(regexp_extract(${FILE}, ${literal(pattern)}, 1, 's'), ''), '${NO_VALUE}')`;
    const text = `url_decode(${value})`;
    const known = bound?.(name);
    return known === undefined ? typedText(name, text, typeOf([...values])) : bindText(name, text, known);
  });
}

const escaped = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_]/gu, (c) => `\\x{${c.codePointAt(0)?.toString(16)}}`);

/** A type from which every value can be had back. */
function typeOf(values: string[]): string {
  if (values.length === 0) return 'VARCHAR';
  if (values.every((value) => /^(0|-?[1-9][0-9]{0,17})$/.test(value))) return 'BIGINT';
  const isDate = (value: string): boolean =>
    /^\d{4}-\d\d-\d\d$/.test(value) && new Date(`${value}T00:00:00Z`).toJSON()?.startsWith(value) === true;
  return values.every(isDate) ? 'DATE' : 'VARCHAR';
}
