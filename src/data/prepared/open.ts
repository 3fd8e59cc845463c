/** Opening a prepared data set: what training, evaluation and serving read. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { PreparedFolder } from './folder.ts';
import { readManifest, verifiedFile } from './manifest.ts';
import { type PreparedData, SPLITS } from './prepared.ts';
import { openRowFile } from './reader.ts';
import { recordLayout } from './record.ts';
import { findRowFile, rowFilePath } from './row-file.ts';

/**
 * Opens a folder that `prepare` wrote. Its files are verified as they are read.
 *
 * @throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH, FILE_MISSING, FILE_TOO_LARGE
 */
export const openPrepared = (folder: string): Promise<PreparedData> => openPreparedOr(folder);

/** The same. `missing`: thrown where there is no data set. Default: DATA_NOT_PREPARED. */
export async function openPreparedOr(folder: string, missing?: Error): Promise<PreparedData> {
  const manifest = readManifest(folder, missing);
  for (const { file } of Object.values(manifest.splits))
    if (!existsSync(join(folder, file)))
      throw error('FILE_MISSING', { path: join(folder, file), expected: 'a part of a prepared data set' });
  return new PreparedFolder(resolve(folder), manifest);
}

/**
 * Compares every file with its recorded hash, and row files that are there with their checksums.
 *
 * @throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH, FILE_MISSING
 */
export async function verifyPrepared(folder: string): Promise<void> {
  const manifest = readManifest(folder);
  const files = [...Object.values(manifest.splits).map(({ file }) => file), ...Object.keys(manifest.files)];
  for (const file of files) await verifiedFile(folder, manifest, file);
  for (const split of SPLITS) {
    const file = findRowFile(manifest, split, rowFilePath(folder, split));
    if (file === undefined) continue; // made again at its next use
    const reader = await openRowFile(file, manifest.splits[split].rows, recordLayout(manifest));
    try {
      for await (const _ of reader.batches({ batchSize: 16384 })); // reading verifies
    } finally {
      await reader.close();
    }
  }
}
