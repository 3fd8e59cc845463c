/** Opening a prepared data set: what training, evaluation and serving read. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { RESERVED_IDS } from '../encode/ids.ts';
import type { RateTable } from '../encode/rates.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { filePath } from '../sql/text.ts';
import { rateFile, readManifest, verifiedFile, vocabularyFile } from './manifest.ts';
import { type Manifest, type PreparedData, SPLITS, type SplitReader } from './prepared.ts';
import { openRowFile } from './reader.ts';
import { recordLayout } from './record.ts';
import { ensureRowFile, findRowFile, rowFilePath } from './row-file.ts';

/**
 * Opens a folder that `prepare` wrote. Its files are verified as they are read.
 *
 * @throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH, FILE_MISSING, FILE_TOO_LARGE
 */
export async function openPrepared(folder: string): Promise<PreparedData> {
  const manifest = readManifest(folder);
  for (const { file } of Object.values(manifest.splits))
    if (!existsSync(join(folder, file)))
      throw error('FILE_MISSING', { path: join(folder, file), expected: 'a part of a prepared data set' });
  const open = (split: SplitName): Promise<SplitReader> => openSplit(folder, manifest, split);
  return {
    folder: resolve(folder),
    manifest,
    open,
    async *batches(split) {
      const reader = await open(split);
      try {
        yield* reader.batches({ batchSize: 4096 });
      } finally {
        await reader.close();
      }
    },
    async tokens(field: string): Promise<string[]> {
      const file = vocabularyFile(field);
      return Object.hasOwn(manifest.files, file) ? readTokens(await verifiedFile(folder, manifest, file)) : [];
    },
    rates: async (field) => readRates(await verifiedFile(folder, manifest, rateFile(field))),
  };
}

async function openSplit(folder: string, manifest: Manifest, split: SplitName): Promise<SplitReader> {
  const { rows } = manifest.splits[split];
  const layout = recordLayout(manifest);
  try {
    return await openRowFile(await ensureRowFile(folder, manifest, split), rows, layout);
  } catch (cause) {
    if (!(cause instanceof TributaryError) || cause.code !== 'FILE_UNWRITABLE') throw cause;
  }
  // A folder that may only be read: the file is made elsewhere, for this reader alone.
  const elsewhere = mkdtempSync(join(tmpdir(), 'tributary-rows-'));
  const remove = () => rmSync(elsewhere, { recursive: true, force: true });
  try {
    const reader = await openRowFile(
      await ensureRowFile(folder, manifest, split, join(elsewhere, `${split}.bin`)),
      rows,
      layout,
    );
    return { ...reader, close: () => reader.close().finally(remove) };
  } catch (cause) {
    remove();
    throw cause;
  }
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

/** Tokens of a vocabulary file by id; the reserved ids hold the empty text, which is never a token. */
async function readTokens(path: string): Promise<string[]> {
  const { connection, close } = await openDuckDB({ access: { files: [path] } });
  try {
    const result = await connection.runAndReadAll(`SELECT id, token FROM read_parquet(${filePath(path)}) ORDER BY id`);
    const [ids, texts] = result.getColumnsJS() as [number[], string[]];
    const tokens = new Array<string>(RESERVED_IDS).fill('');
    ids?.forEach((id, i) => {
      tokens[id] = texts[i];
    });
    return tokens;
  } catch (cause) {
    throw duckdbError(cause, `reading ${path}`);
  } finally {
    close();
  }
}

async function readRates(path: string): Promise<RateTable> {
  const { connection, close } = await openDuckDB({ access: { files: [path] } });
  try {
    const sql = `SELECT key::DOUBLE AS key, id FROM read_parquet(${filePath(path)}) ORDER BY key`;
    const [keys, ids] = (await connection.runAndReadAll(sql)).getColumnsJS() as [number[], number[]];
    return { keys: keys ?? [], ids: ids ?? [] };
  } catch (cause) {
    throw duckdbError(cause, `reading ${path}`);
  } finally {
    close();
  }
}
