/**
 * The flat file of a split: 64 bytes that say which Parquet file it was made from, then one record of 32-bit words per
 * row (little endian). A record: `slots` table ids, the scenario (int32), a label per task (float32, NaN where missing),
 * the weight (float32) if there are weights, the group number (int32) if there are groups.
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
import duckdb from '@duckdb/node-bindings';
import { asWriteError } from '../base/files.ts';
import type { SplitName } from '../config/dataset.ts';
import { duckdbError, identifier, literal, openDuckDB } from './duckdb.ts';
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
  words: number;
}

export function recordLayout(manifest: Manifest): RecordLayout {
  const slots = manifest.fields.reduce((sum, f) => sum + f.slots, 0);
  const tasks = manifest.tasks.length;
  const weight = slots + 1 + tasks;
  const group = weight + (manifest.hasWeight ? 1 : 0);
  return {
    slots,
    tasks,
    scenario: slots,
    labels: slots + 1,
    weight: manifest.hasWeight ? weight : -1,
    group: manifest.hasGroup ? group : -1,
    words: group + (manifest.hasGroup ? 1 : 0),
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
    const sql = `SELECT ${columns.join(', ')} FROM read_parquet(${literal(join(folder, file))})`;
    await writeRecords(connection, sql, columns.length, path, sha256);
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

/**
 * Writes the rows of a query as a row file: every column has four bytes and no NULL. `path` appears as a whole.
 * Errors are those of DuckDB and of the file system.
 */
export async function writeRecords(
  connection: DuckDBConnection,
  sql: string,
  words: number,
  path: string,
  header: string,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w');
  try {
    writeSync(file, Buffer.from(header.padEnd(HEADER_BYTES), 'latin1'));
    const result = await connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      writeSync(file, transpose(chunk.chunk, chunk.rowCount, words));
    }
    fsyncSync(file);
    renameSync(temporary, path);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}

/** Columns of a chunk -> records. The words are copied as they are, whatever they mean. */
function transpose(chunk: duckdb.DataChunk, rows: number, words: number): Uint8Array {
  const records = new Int32Array(rows * words); // [rows, words]
  for (let word = 0; word < words; word++) {
    const bytes = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk, word), rows * 4);
    const column = new Int32Array(bytes.buffer, bytes.byteOffset, rows); // [rows]
    for (let row = 0, at = word; row < rows; row++, at += words) records[at] = column[row];
  }
  return new Uint8Array(records.buffer);
}
