/**
 * The flat file of a split: 64 bytes that say what it was made from and 64 bytes with the SHA-256 of the checksums (both in
 * hexadecimal digits), then one record of 32-bit words per row (little endian), then the SHA-256 of every block of 512 records
 * (32 bytes each). A record: `slots` table ids, the scenario (int32), a label per task (float32, NaN where missing),
 * the weight (float32) if there are weights, the group number (int32) if there are groups, the table ids of the sequences
 * (types * length of them) if there are sequences.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { error } from '../../base/errors/index.ts';
import { asWriteError } from '../../base/files.ts';
import { sha256 } from '../../base/hash.ts';
import { isAlive } from '../../base/process.ts';
import type { SplitName } from '../../config/dataset.ts';
import { PADDING_ID } from '../encode/ids.ts';
import { type Bindings, loadDuckDB, openDuckDB } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { filePath, identifier } from '../sql/text.ts';
import { fieldColumn, labelColumn, sequenceColumn } from './columns.ts';
import { verifiedFile } from './manifest.ts';
import type { Manifest } from './prepared.ts';

export const HEADER_BYTES = 128;
/** Rows of a block: what readers read at a time, and what has a checksum. */
export const BLOCK_ROWS = 512;
const DIGEST_BYTES = 32;

/** Where the parts of a record lie, in 32-bit words. */
export interface RecordLayout {
  slots: number;
  tasks: number;
  scenario: number;
  labels: number;
  /** -1 where the data set has none. */
  weight: number;
  group: number;
  sequences: number;
  /** Ids of all sequences of a row; 0 without. */
  sequenceIds: number;
  words: number;
}

export function recordLayout(manifest: Manifest): RecordLayout {
  const slots = manifest.fields.reduce((sum, f) => sum + f.slots, 0);
  const tasks = manifest.tasks.length;
  const weight = slots + 1 + tasks;
  const group = weight + (manifest.hasWeight ? 1 : 0);
  const sequences = group + (manifest.hasGroup ? 1 : 0);
  const { types, length } = manifest.sequences ?? { types: [], length: 0 };
  const sequenceIds = types.length * length;
  return {
    slots,
    tasks,
    scenario: slots,
    labels: slots + 1,
    weight: manifest.hasWeight ? weight : -1,
    group: manifest.hasGroup ? group : -1,
    sequences: sequenceIds > 0 ? sequences : -1,
    sequenceIds,
    words: sequences + sequenceIds,
  };
}

/** A row file and the checksums of its blocks, themselves verified. */
export interface RowFile {
  path: string;
  /** [blocks, 32] */
  digests: Uint8Array;
}

/**
 * A split's row file; made from the Parquet file where it is not there, is of other data, was cut short or was written by an
 * older version.
 *
 * @param place where it lies: a path that may be written
 * @throws FILE_UNWRITABLE, DISK_FULL, FILE_MISSING, CHECKSUM_MISMATCH
 */
export async function ensureRowFile(
  folder: string,
  manifest: Manifest,
  split: SplitName,
  place = rowFilePath(folder, split),
): Promise<RowFile> {
  const there = findRowFile(manifest, split, place);
  return there ?? { path: place, digests: await buildRowFile(folder, manifest, split, place) };
}

export const rowFilePath = (folder: string, split: SplitName): string => join(folder, 'rows', `${split}.bin`);

/** The file at `path`, where it is whole and made from these data: its records are yet to be verified. */
export function findRowFile(manifest: Manifest, split: SplitName, path: string): RowFile | undefined {
  const key = rowFileKey(manifest, split);
  const digests = readDigests(path, key, manifest.splits[split].rows, recordLayout(manifest).words);
  return digests && { path, digests };
}

/** What a row file is made from: fields and their places in the table as well as the Parquet file, which the hash covers. */
const rowFileKey = ({ hash }: Manifest, split: SplitName): string => sha256(`row file 2 of ${split} in ${hash}`);

/** The checksums of a file that is whole and made from the data of `key`, else undefined. */
function readDigests(path: string, key: string, rows: number, words: number): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  const records = rows * words * 4;
  const header = Buffer.alloc(HEADER_BYTES);
  const digests = Buffer.alloc(Math.ceil(rows / BLOCK_ROWS) * DIGEST_BYTES);
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size !== HEADER_BYTES + records + digests.length) return undefined;
    readSync(file, header, 0, HEADER_BYTES, 0);
    for (let at = 0, read = -1; at < digests.length && read !== 0; at += read)
      read = readSync(file, digests, at, digests.length - at, HEADER_BYTES + records + at);
  } finally {
    closeSync(file);
  }
  return header.toString('latin1') === key + sha256(digests) ? digests : undefined;
}

async function buildRowFile(folder: string, manifest: Manifest, split: SplitName, path: string): Promise<Uint8Array> {
  const { file } = manifest.splits[split];
  const parquet = await verifiedFile(folder, manifest, file);
  const { connection, close } = await openDuckDB({ access: { files: [parquet] } });
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeLeftovers(path);
    const columns = [
      ...idColumns(manifest, (field) => identifier(fieldColumn(field))),
      'scenario::INTEGER',
      ...manifest.tasks.map((task) => `coalesce(${identifier(labelColumn(task))}, 'NaN'::FLOAT)::FLOAT`),
      ...(manifest.hasWeight ? ['weight::FLOAT'] : []),
      ...(manifest.hasGroup ? ['"group"::INTEGER'] : []),
    ];
    const sequences = sequenceColumns(manifest, (type) => identifier(sequenceColumn(type)));
    const sql = `SELECT ${[...columns, ...sequences].join(', ')} FROM read_parquet(${filePath(parquet)})`;
    return await writeRecords(connection, sql, recordLayout(manifest), path, rowFileKey(manifest, split));
  } catch (cause) {
    throw asWriteError(duckdbError(cause, `reading ${file}`), path);
  } finally {
    close();
  }
}

/** Removes what processes that are gone left of the file: a split may have many gigabytes. */
function removeLeftovers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const pid = name.startsWith(`${basename(path)}.`) ? /\.(\d+)\.tmp$/.exec(name)?.[1] : undefined;
    if (pid !== undefined && !isAlive({ pid: Number(pid), host: hostname() })) rmSync(join(dirname(path), name));
  }
}

/** SQL of the table ids of a record, one column per slot, from the encoded column of each field. */
export const idColumns = (manifest: Manifest, encoded: (field: string, index: number) => string): string[] =>
  manifest.fields.flatMap((f, index) => {
    const column = encoded(f.name, index);
    if (f.kind !== 'multi') return [`(${column} + ${f.offset})::INTEGER`];
    const ids = Array.from({ length: f.slots }, (_, i) => `coalesce((${column})[${i + 1}], ${PADDING_ID})`);
    return ids.map((id) => `(${id} + ${f.offset})::INTEGER`);
  });

/** SQL of the table ids of a record's sequences, an array for each type, from the encoded lists. */
export function sequenceColumns(
  { sequences, fields }: Manifest,
  encoded: (type: string, index: number) => string,
): string[] {
  if (sequences === undefined) return [];
  const { types, length, itemField } = sequences;
  const offset = fields.find(({ name }) => name === itemField)?.offset;
  return types.map((type, index) => {
    const padded = `list_resize(${encoded(type, index)}, ${length}, ${PADDING_ID})`;
    return `list_transform(${padded}, lambda id: id + ${offset})::INTEGER[${length}]`;
  });
}

/**
 * Writes the rows of a query as a row file: the columns of a record in its order, each of four bytes but for the sequences,
 * which are one array of a type's ids after another; no NULLs. `path` appears as a whole. Errors are those of DuckDB and of
 * the file system.
 *
 * @param key what the file is made from, 64 characters: what readers ask for
 * @returns the checksums of its blocks
 */
export async function writeRecords(
  connection: DuckDBConnection,
  sql: string,
  layout: RecordLayout,
  path: string,
  key: string,
): Promise<Uint8Array> {
  const { bindings } = await loadDuckDB();
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  const checksums = new BlockChecksums(layout.words * 4 * BLOCK_ROWS);
  try {
    writeAll(file, Buffer.alloc(HEADER_BYTES));
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const records = transpose(bindings, chunk.chunk, chunk.rowCount, layout);
      writeAll(file, records);
      checksums.update(records);
    }
    const digests = checksums.digests();
    writeAll(file, digests);
    writeAll(file, Buffer.from(`${key}${sha256(digests)}`, 'latin1'), 0);
    fsyncSync(file);
    renameSync(temporary, path);
    return digests;
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}

/** A disk that is nearly full takes a part of what it is given. */
function writeAll(file: number, bytes: Uint8Array, position: number | null = null): void {
  for (let at = 0; at < bytes.length; )
    at += writeSync(file, bytes, at, bytes.length - at, position === null ? null : position + at);
}

/** The SHA-256 of each block of a stream of bytes. */
class BlockChecksums {
  readonly #blockBytes: number;
  readonly #digests: Uint8Array[] = [];
  #hash: Hash = createHash('sha256');
  #filled = 0;

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#blockBytes - this.#filled);
      this.#hash.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#blockBytes) this.#close();
    }
  }

  /** Of all blocks, the last one as long as it is. */
  digests(): Uint8Array {
    if (this.#filled > 0) this.#close();
    return Buffer.concat(this.#digests);
  }

  #close(): void {
    this.#digests.push(this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}

/** Throws CHECKSUM_MISMATCH unless a block is what was written. */
export function verifyBlock(bytes: Uint8Array, { path, digests }: RowFile, block: number): void {
  const expected = digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
  const found = createHash('sha256').update(bytes).digest();
  if (found.equals(expected)) return;
  throw error('CHECKSUM_MISMATCH', {
    path: `${path} (rows ${block * BLOCK_ROWS} and on)`,
    expected: Buffer.from(expected).toString('hex'),
    found: found.toString('hex'),
    advice: 'Remove it: it is made again from the Parquet file',
  });
}

/** Columns of a chunk -> records. The words are copied as they are, whatever they mean. */
function transpose(
  bindings: Bindings,
  chunk: duckdb.DataChunk,
  rows: number,
  { words, sequenceIds }: RecordLayout,
): Uint8Array {
  const int32s = (vector: duckdb.Vector, count: number): Int32Array => {
    const bytes = bindings.vector_get_data(vector, count * 4);
    return new Int32Array(bytes.buffer, bytes.byteOffset, count);
  };
  const records = new Int32Array(rows * words); // [rows, words]
  const single = words - sequenceIds; // columns of one word each
  const arrays = bindings.data_chunk_get_column_count(chunk) - single;
  for (let word = 0; word < single; word++) {
    const column = int32s(bindings.data_chunk_get_vector(chunk, word), rows); // [rows]
    for (let row = 0, at = word; row < rows; row++, at += words) records[at] = column[row];
  }
  for (let k = 0; k < arrays; k++) {
    const length = sequenceIds / arrays;
    const vector = bindings.array_vector_get_child(bindings.data_chunk_get_vector(chunk, single + k));
    const ids = int32s(vector, rows * length); // [rows, length]
    for (let row = 0; row < rows; row++)
      records.set(ids.subarray(row * length, (row + 1) * length), row * words + single + k * length);
  }
  return new Uint8Array(records.buffer);
}
