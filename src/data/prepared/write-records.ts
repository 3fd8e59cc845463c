/** Writes the rows of a query as a row file. */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { temporaryOf } from '../../base/files.ts';
import { sha256 } from '../../base/hash.ts';
import { type Bindings, loadDuckDB } from '../sql/duckdb.ts';
import { BLOCK_ROWS, BlockChecksums } from './block-checksums.ts';
import type { RecordLayout } from './record.ts';

export const HEADER_BYTES = 128;

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
  const temporary = temporaryOf(path);
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
