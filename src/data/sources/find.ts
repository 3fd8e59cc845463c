/** Finds the files that a configuration names. */
import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { openDuckDB, query } from '../sql/duckdb.ts';
import { literal } from '../sql/text.ts';
import { filesIn, isBesideTables, isFolder, isTable } from './folder.ts';
import type { SourceConfig } from './source.ts';

/** The files of several sources. */
export interface FoundFiles {
  /** Absolute paths of a source's files in reading order. Throws what was wrong with them: DATA_FILES_MISSING, DATA_FOLDER ... */
  of(source: string): string[];
  /** Paths of all files that were found, each once: all that a database needs to open for these sources. */
  all: string[];
}

/** Finds the files of sources once. What is wrong with those of one source is thrown where that source is opened. */
export async function findSources(sources: DatasetConfig['sources'], sourceFolder: string): Promise<FoundFiles> {
  const found = new Map<string, string[] | TributaryError>();
  for (const [name, source] of Object.entries(sources)) {
    const files = await findFiles(name, source, sourceFolder).catch((cause) => {
      if (cause instanceof TributaryError) return cause;
      throw cause;
    });
    found.set(name, files);
  }
  return {
    of(source) {
      const files = found.get(source) ?? [];
      if (files instanceof TributaryError) throw files;
      return files;
    },
    all: [...new Set([...found.values()].flatMap((files) => (files instanceof TributaryError ? [] : files)))],
  };
}

/**
 * Absolute paths of a source's files: lists in their order, the matches of one glob in the order of their names.
 *
 * @throws DATA_FILES_MISSING, DATA_FOLDER, FILE_UNREADABLE
 */
export async function findFiles(name: string, config: SourceConfig, sourceFolder: string): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of [config.path].flat()) {
    const path = isAbsolute(pattern) ? pattern : join(resolve(sourceFolder), pattern);
    const matches = await filesAt(path, name, config.format);
    if (matches.length === 0)
      throw error('DATA_FILES_MISSING', { source: name, pattern, folder: resolve(sourceFolder) });
    files.push(...matches);
  }
  return files;
}

/** The files of a path that is a folder, a file or a glob. */
async function filesAt(path: string, source: string, format: SourceConfig['format']): Promise<string[]> {
  if (!existsSync(path)) return matchingFiles(path);
  return isFolder(path) ? filesIn(path, source, format) : [regularFile(path)];
}

/** The path of a file that has an end. Throws FILE_UNREADABLE for pipes and devices: reading them may never end. */
function regularFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return path;
  throw error('FILE_UNREADABLE', { path, reason: 'it is a device or a pipe, expected a file' });
}

/**
 * Files that a pattern matches, in the order of their names, without what programs write next to tables; folders with the
 * name of a table stand for the tables in them.
 */
async function matchingFiles(pattern: string): Promise<string[]> {
  // What stands before the first wildcard, without the name that is cut off there.
  const fixed = pattern.slice(0, pattern.search(/[*?[]|$/)).replace(/[^/\\]*$/, '');
  const { connection, close } = await openDuckDB({ access: { folders: [dirname(`${fixed}.`)] } });
  const glob = async (text: string): Promise<string[]> => {
    const found = await query(connection, `SELECT file FROM glob(${literal(text)})`, `looking for ${pattern}`);
    return found.map(({ file }) => String(file)).filter((file) => !isBesideTables(file.slice(fixed.length)));
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
