/** What a file is by its first bytes, so that one that cannot be read as its source says is named for what it is. */
import { closeSync, openSync, readSync } from 'node:fs';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { contentOf } from './encoding.ts';

type Format = 'csv' | 'parquet' | 'json';

interface Kind {
  found: string;
  advice: string;
}

const UNPACK = 'Unpack it and name the files in it';
const EXPORT = 'Export it as CSV, JSON lines or Parquet';

/** First bytes (as Latin-1) of binary files, what they begin, and what to do. */
const BINARY: [starts: string[], found: string, advice: string][] = [
  [['PK\x03\x04', 'PK\x05\x06'], 'a ZIP archive', UNPACK],
  [['PAR1'], 'a Parquet file', 'Set "format" of the source to parquet'],
  [['\x1f\x8b'], 'packed with gzip', 'Let its name end in .gz, or unpack it'],
  [['\x28\xb5\x2f\xfd'], 'packed with Zstandard', 'Let its name end in .zst, or unpack it'],
  [['BZh'], 'packed with bzip2', UNPACK],
  [['\xfd7zXZ'], 'packed with xz', UNPACK],
  [['7z\xbc\xaf'], 'a 7-Zip archive', UNPACK],
  [['Rar!\x1a'], 'a RAR archive', UNPACK],
  [['\xd0\xcf\x11\xe0'], 'an old Excel workbook', 'Save it as "CSV UTF-8"'],
  [['SQLite format 3\0'], 'an SQLite database', EXPORT],
  [['ORC\n', 'ORC\x11'], 'an ORC file', EXPORT],
  [['Obj\x01'], 'an Avro file', EXPORT],
  [['ARROW1', 'FEA1'], 'an Arrow file', EXPORT],
  [['\x89HDF'], 'an HDF5 file', EXPORT],
  [['\x93NUMPY'], 'a NumPy array', EXPORT],
  [['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'], 'a Python pickle', EXPORT],
  [['%PDF'], 'a PDF document', EXPORT],
];

/** The same of texts. */
const TEXTS: [start: RegExp, found: string, advice: string][] = [
  [/^\s*<(!doctype html|html|head|body)\b/i, 'an HTML page', 'Fetch the file itself'],
  [/^\s*<\?xml/i, 'an XML document', EXPORT],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS', 'Fetch the file itself: git lfs pull'],
];

const GZIP = '\x1f\x8b';
const ZSTD = '\x28\xb5\x2f\xfd';

/** What a file is that begins so, if it is no table. */
function kindOf(start: string): Kind | undefined {
  const binary = BINARY.find(([starts]) => starts.some((bytes) => start.startsWith(bytes)));
  const [, found, advice] = binary ?? TEXTS.find(([pattern]) => pattern.test(start)) ?? [];
  if (found !== undefined && advice !== undefined) return { found, advice };
  return start.slice(257, 262) === 'ustar' ? { found: 'a tar archive', advice: UNPACK } : undefined;
}

const WORKBOOK: Kind = { found: 'a workbook of a spreadsheet', advice: 'Save it as "CSV UTF-8"' };

/** Throws DATA_FILE_KIND where the first bytes of a file show that it is none of the format; FILE_UNREADABLE. */
export function checkFileKind(path: string, format: Format): void {
  const start = firstBytes(path).toString('latin1');
  const expected = { csv: 'a CSV file', json: 'JSON lines', parquet: 'a Parquet file' }[format];
  const refuse = (kind: Kind) => error('DATA_FILE_KIND', { path, expected, ...kind });
  if (format === 'parquet') {
    if (start.startsWith('PAR1')) return;
    const kind = kindOf(start);
    const advice = 'Set "format" of the source (csv or json), or fetch the file again';
    throw refuse(kind ?? { found: `a file that begins with ${JSON.stringify(start.slice(0, 20))}`, advice });
  }
  if (/\.gz$/i.test(path) && !start.startsWith(GZIP))
    throw refuse({ found: 'not packed, though its name ends in .gz', advice: 'Let its name end otherwise' });
  if (/\.zst$/i.test(path) && !start.startsWith(ZSTD))
    throw refuse({
      found: 'not packed with Zstandard, though its name ends in .zst',
      advice: 'Let its name end otherwise',
    });
  if (/\.(gz|zst)$/i.test(path)) return;
  const kind = kindOf(start);
  if (kind !== undefined) throw refuse(/\.(xlsx|xlsm|ods)$/i.test(path) ? WORKBOOK : kind);
  if (format === 'csv' && looksLikeJson(start))
    throw refuse({ found: 'JSON', advice: 'Set "format" of the source to json' });
}

/** A list of objects, or lines each of which is an object. */
function looksLikeJson(start: string): boolean {
  const text = start.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^\[\s*\{\s*"/.test(text)) return true;
  const line = text.split('\n')[0];
  if (!/^\{\s*"/.test(line)) return false;
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return line.length === text.length && /^\{\s*"[^"]*"\s*:/.test(line); // a line that is longer than what was read
  }
}

/** The first bytes of a file. Throws FILE_UNREADABLE, FILE_MISSING. */
function firstBytes(path: string, length = 4096): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw asReadError(cause, path, 'a table');
  }
}

/** The first bytes of what a file holds: unpacked where its name ends in .gz. Throws FILE_UNREADABLE. */
export async function firstContent(path: string, length = 1 << 16): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of contentOf(path)) {
    chunks.push(chunk);
    read += chunk.length;
    if (read >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}
