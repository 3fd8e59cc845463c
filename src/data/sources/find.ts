/** Finds the files that a configuration names. */
import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { openDuckDB, query } from '../sql/duckdb.ts';
import { literal } from '../sql/text.ts';
import { filesIn, isBesideTables, isFolder, isTable } from './folder.ts';
import type { SourceConfig } from './source.ts';

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
