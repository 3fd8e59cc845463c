/** The files that somebody names on the command line: files, globs and folders, and their paths in a configuration. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { datasetSchema } from '../../config/dataset.ts';
import { findFiles } from '../sources.ts';

/** Files that one word stands for. */
export interface FileGroup {
  /** What the files are called, without their format: a name for a source. */
  stem: string;
  /** Path or glob as the configuration says it. */
  path: string;
  /** Absolute, in reading order. */
  files: string[];
}

const FORMAT = /\.(csv|tsv|txt|dat|parquet|pq|jsonl?|ndjson)$/i;
const PACKED = /\.(gz|zst)$/i;
const DEPTH = 5;

/**
 * Files for each word. Paths of the configuration start from `folder`.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE
 */
export async function findGroups(words: string[], folder: string): Promise<FileGroup[]> {
  const groups: FileGroup[] = [];
  for (const word of words) groups.push(...(await groupsOf(word, folder)));
  return groups;
}

async function groupsOf(word: string, folder: string): Promise<FileGroup[]> {
  const path = resolve(word);
  const as = (pattern: string): string => configPath(pattern, folder, isAbsolute(word));
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return [{ stem: stemOf(path), path: as(path), files: [path] }];
    return folderGroups(path).map(({ pattern, files }) => ({ stem: stemOf(path), path: as(pattern), files }));
  }
  const files = await findFiles(word, datasetSchema.shape.sources.valueType.parse({ path }), '.').catch((cause) => {
    if (!(cause instanceof TributaryError) || cause.code !== 'DATA_FILES_MISSING') throw cause;
    throw error('FILE_MISSING', { path: word, expected: 'a table' }, cause);
  });
  return [{ stem: globStem(path), path: as(path), files }];
}

/** A glob for each format in a folder, also in folders below it. What begins with a dot or an underscore is no data. */
function folderGroups(folder: string): { pattern: string; files: string[] }[] {
  const found: { path: string; ending: string; depth: number }[] = [];
  const look = (path: string, depth: number): void => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = join(path, entry.name);
      if (/^[._]/.test(entry.name)) continue;
      if (entry.isDirectory() && depth < DEPTH) look(inner, depth + 1);
      const packed = PACKED.exec(entry.name)?.[0] ?? '';
      const format = FORMAT.exec(entry.name.slice(0, entry.name.length - packed.length))?.[0];
      if (entry.isFile() && format !== undefined) found.push({ path: inner, ending: format + packed, depth });
    }
  };
  try {
    look(folder, 0);
  } catch (cause) {
    throw asReadError(cause, folder, 'a folder of tables');
  }
  if (found.length === 0)
    throw error('FILE_MISSING', { path: join(folder, '*.csv'), expected: 'a table in this folder' });
  return [...new Set(found.map(({ ending }) => ending))].map((ending) => {
    const own = found.filter((file) => file.ending === ending);
    const below = own.some(({ depth }) => depth > 0) ? `**${sep}` : '';
    return { pattern: join(folder, `${below}*${ending}`), files: own.map((file) => file.path).sort() };
  });
}

/** Relative to the configuration's folder, unless an absolute path was given that leads out of it. */
function configPath(path: string, folder: string, wasAbsolute: boolean): string {
  const inside = relative(folder, path);
  const isOutside = inside.startsWith('..') || isAbsolute(inside);
  return (wasAbsolute && isOutside ? path : inside).split(sep).join('/');
}

function stemOf(path: string): string {
  const base = parse(path).base.replace(PACKED, '');
  return base.replace(FORMAT, '') || base;
}

/** Of `events/2024-*.csv` the folder, where the name itself says little. */
function globStem(path: string): string {
  const plain = path.split(sep).filter((part) => !/[*?[]/.test(part));
  const own = stemOf(path).replace(/[*?[\]]+/g, '');
  return /[A-Za-z]{2}/.test(own) ? own : (plain.at(-1) ?? own);
}
