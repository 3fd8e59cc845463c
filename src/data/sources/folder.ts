/** Which files of a folder are its tables. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { type Format, formatOf } from '../formats/format.ts';

/** Endings of tables; files of folders that end otherwise are none, but those without an ending (Hadoop's part-00000). */
const TABLE = /(\.(parquet|pq|csv|tsv|txt|dat|data|json|jsonl|ndjson)(\.gz|\.zst)?|\.(gz|zst)|(^|[/\\])[^./\\]+)$/i;

/** What programs write next to tables: Spark's _SUCCESS, checksums, indexes, hidden files and folders. */
const BESIDE =
  /^(\..*|_SUCCESS|_metadata|_common_metadata|_committed_.*|_started_.*|_temporary|_spark_metadata|_delta_log)$/;

/** Is a path, below the folder where looking began, that of a file that a program wrote next to its tables? */
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
