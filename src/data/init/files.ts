/** The files that somebody names on the command line: files, globs and folders, and their paths in a configuration. */
import { isAbsolute, parse, relative, resolve, sep } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import { parseSource } from '../../config/dataset.ts';
import { findFiles } from '../sources/find.ts';

/** Files that one word stands for. */
export interface FileGroup {
  /** What the files are called, without their format: a name for a source. */
  stem: string;
  /** Path, glob or folder as the configuration says it. */
  path: string;
  /** Absolute, in reading order. */
  files: string[];
}

const FORMAT = /\.(csv|tsv|txt|dat|parquet|pq|jsonl?|ndjson)$/i;
const PACKED = /\.(gz|zst)$/i;

/**
 * Files for each word. Paths of the configuration start from `folder`.
 *
 * @throws FILE_MISSING, DATA_FOLDER
 */
export async function findGroups(words: string[], folder: string): Promise<FileGroup[]> {
  const groups: FileGroup[] = [];
  for (const path of new Set(words.map((word) => resolve(word)))) {
    const word = words.find((one) => resolve(one) === path) ?? path;
    const config = parseSource({ path });
    const files = await findFiles(word, config, '.').catch((cause) => {
      if (!(cause instanceof TributaryError) || cause.code !== 'DATA_FILES_MISSING') throw cause;
      throw error('FILE_MISSING', { path: word, expected: 'a table' }, cause);
    });
    groups.push({ stem: stemOf(path), path: configPath(path, folder, isAbsolute(word)), files });
  }
  return groups;
}

/** Relative to the configuration's folder, unless an absolute path was given that leads out of it. */
function configPath(path: string, folder: string, wasAbsolute: boolean): string {
  const inside = relative(folder, path);
  const isOutside = inside.startsWith('..') || isAbsolute(inside);
  return (wasAbsolute && isOutside ? path : inside || '.').split(sep).join('/');
}

/** Of `events/2024-*.csv` the folder, where the name itself says little. */
function stemOf(path: string): string {
  const base = parse(path).base.replace(PACKED, '').replace(FORMAT, '');
  if (!/[*?[]/.test(base)) return base || parse(path).base;
  const plain = path.split(sep).filter((part) => !/[*?[]/.test(part));
  const own = base.replace(/[*?[\]]+/g, '');
  return /[A-Za-z]{2}/.test(own) ? own : (plain.at(-1) ?? own);
}
