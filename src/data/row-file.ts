/**
 * The flat file of a split: 64 bytes that say which Parquet file it was made from, then one record of 32-bit words per
 * row (little endian). A record: `slots` table ids, the scenario (int32), a label per task (float32, NaN where missing),
 * the weight (float32) if there are weights, the group number (int32) if there are groups, the table ids of the sequences
 * (types * length of them) if there are sequences.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { asWriteError } from '../base/files.ts';
import type { SplitName } from '../config/dataset.ts';
import { type Bindings, duckdbError, identifier, literal, loadDuckDB, openDuckDB } from './duckdb.ts';
import { sequenceColumn } from './expressions.ts';
import { type Manifest, PADDING_ID } from './prepared.ts';
import { fieldColumn, labelColumn } from './statistics.ts';

export const HEADER_BYTES = 64;

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

/** Path of a split's row file; made from the Parquet file at first use. Throws FILE_UNWRITABLE, DISK_FULL, DATA_FILE_DAMAGED. */
export async function ensureRowFile(folder: string, manifest: Manifest, split: SplitName): Promise<string> {
  const path = join(folder, 'rows', `${split}.bin`);
  if (!isCurrent(path, manifest, split)) await buildRowFile(folder, manifest, split, path);
  return path;
}

function isCurrent(path: string, manifest: Manifest, split: SplitName): boolean {
  const { rows, sha256 } = manifest.splits[split];
  if (!existsSync(path) || statSync(path).size !== HEADER_BYTES + rows * recordLayout(manifest).words * 4) return false;
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  readSync(file, header, 0, HEADER_BYTES, 0);
  closeSync(file);
  return header.toString('latin1') === sha256;
}

async function buildRowFile(folder: string, manifest: Manifest, split: SplitName, path: string): Promise<void> {
  const { file, sha256 } = manifest.splits[split];
  const { connection, close } = await openDuckDB();
  try {
    mkdirSync(dirname(path), { recursive: true });
    const columns = [
      ...idColumns(manifest, (field) => identifier(fieldColumn(field))),
      'scenario::INTEGER',
      ...manifest.tasks.map((task) => `coalesce(${identifier(labelColumn(task))}, 'NaN'::FLOAT)::FLOAT`),
      ...(manifest.hasWeight ? ['weight::FLOAT'] : []),
      ...(manifest.hasGroup ? ['"group"::INTEGER'] : []),
    ];
    const sequences = sequenceColumns(manifest, (type) => identifier(sequenceColumn(type)));
    const sql = `SELECT ${[...columns, ...sequences].join(', ')} FROM read_parquet(${literal(join(folder, file))})`;
    await writeRecords(connection, sql, recordLayout(manifest), path, sha256);
  } catch (cause) {
    throw asWriteError(duckdbError(cause, `reading ${file}`), path);
  } finally {
    close();
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
 */
export async function writeRecords(
  connection: DuckDBConnection,
  sql: string,
  layout: RecordLayout,
  path: string,
  header: string,
): Promise<void> {
  const { bindings } = await loadDuckDB();
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  try {
    writeSync(file, Buffer.from(header.padEnd(HEADER_BYTES), 'latin1'));
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      writeSync(file, transpose(bindings, chunk.chunk, chunk.rowCount, layout));
    }
    fsyncSync(file);
    renameSync(temporary, path);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
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
