/**
 * The flat file of a split: 64 bytes that say what it was made from and 64 bytes with the SHA-256 of the checksums (both in
 * hexadecimal digits), then one record of 32-bit words per row (little endian), then the SHA-256 of every block of 512 records
 * (32 bytes each). A record: `slots` table ids, the scenario (int32), a label per task (float32, NaN where missing),
 * the weight (float32) if there are weights, the group number (int32) if there are groups, the table ids of the sequences
 * (types * length of them) if there are sequences.
 */

import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError, removeLeftovers } from '../../base/files.ts';
import { sha256 } from '../../base/hash.ts';
import type { SplitName } from '../../config/dataset.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { filePath, identifier } from '../sql/text.ts';
import { BLOCK_ROWS, DIGEST_BYTES, type RowFile } from './block-checksums.ts';
import { fieldColumn, labelColumn, sequenceColumn } from './columns.ts';
import { verifiedFile } from './manifest.ts';
import type { Manifest } from './prepared.ts';
import { idColumns, recordLayout, sequenceColumns } from './record.ts';
import { HEADER_BYTES, writeRecords } from './write-records.ts';

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
    removeLeftovers(path); // before it is written: a split may have many gigabytes
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
