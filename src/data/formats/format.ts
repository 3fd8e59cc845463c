/** What the readers of all formats share. */

export type Format = 'csv' | 'parquet' | 'json';

export const formatOf = (path: string): Format =>
  /\.(parquet|pq)$/i.test(path) ? 'parquet' : /\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i.test(path) ? 'json' : 'csv';

/** What is done while the files of a source are read, for messages. */
export const readingFiles = (source: string, files: string[]): string =>
  `reading ${files[0]}${files.length > 1 ? ` and ${files.length - 1} more` : ''} (source "${source}")`;

/** The column of a reader that holds the path of a row's file, where something asks for it. */
export const FILE = '__file';
