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
  const { words } = recordLayout(manifest);
  const temporary = `${path}.${process.pid}.tmp`;
  const { connection, close } = await openDuckDB();
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    file = openSync(temporary, 'w');
    writeSync(file, Buffer.from(manifest.splits[split].sha256, 'latin1'));
    const result = await connection.stream(recordQuery(manifest, join(folder, manifest.splits[split].file)));
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      writeSync(file, transpose(chunk.chunk, chunk.rowCount, words));
    }
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (cause) {
    throw asWriteError(duckdbError(cause, `reading ${split}.parquet`), path);
  } finally {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
    close();
  }
}

/** One column of four bytes per word of a record, none of them NULL. */
function recordQuery(manifest: Manifest, parquet: string): string {
  const ids = manifest.fields.flatMap((f) => {
    const column = identifier(fieldColumn(f.name));
    if (f.kind !== 'multi') return [`(${column} + ${f.offset})::INTEGER`];
    return Array.from(
      { length: f.slots },
      (_, i) => `(coalesce(${column}[${i + 1}], ${PADDING_ID}) + ${f.offset})::INTEGER`,
    );
  });
  const columns = [
    ...ids,
    'scenario::INTEGER',
    ...manifest.tasks.map((task) => `coalesce(${identifier(labelColumn(task))}, 'NaN'::FLOAT)::FLOAT`),
    ...(manifest.hasWeight ? ['weight::FLOAT'] : []),
    ...(manifest.hasGroup ? ['"group"::INTEGER'] : []),
  ];
  return `SELECT ${columns.join(', ')} FROM read_parquet(${literal(parquet)})`;
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
