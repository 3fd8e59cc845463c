/** Opening a prepared data set: what training, evaluation and serving read. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { error } from '../base/errors/index.ts';
import { sha256File } from '../base/hash.ts';
import type { SplitName } from '../config/dataset.ts';
import { duckdbError, literal, openDuckDB } from './duckdb.ts';
import { createRowEncoder, type RowEncoder } from './encoder.ts';
import { readManifest, vocabularyFile } from './manifest.ts';
import { type PreparedData, RESERVED_IDS, type SplitReader } from './prepared.ts';
import { openRowFile } from './reader.ts';
import { ensureRowFile, recordLayout } from './row-file.ts';

/** Opens a folder that `prepare` wrote. Throws DATA_NOT_PREPARED, DATA_VERSION, FILE_MISSING. */
export async function openPrepared(folder: string): Promise<PreparedData> {
  const manifest = readManifest(folder);
  for (const { file } of Object.values(manifest.splits))
    if (!existsSync(join(folder, file)))
      throw error('FILE_MISSING', { path: join(folder, file), expected: 'a part of a prepared data set' });
  return {
    folder: resolve(folder),
    manifest,
    async open(split: SplitName): Promise<SplitReader> {
      const path = await ensureRowFile(folder, manifest, split);
      return openRowFile(path, manifest.splits[split].rows, recordLayout(manifest));
    },
    async tokens(field: string): Promise<string[]> {
      const file = manifest.files[vocabularyFile(field)];
      return file === undefined ? [] : readTokens(join(folder, vocabularyFile(field)));
    },
  };
}

/** Compares every file with its recorded hash. Throws CHECKSUM_MISMATCH, FILE_MISSING. */
export async function verifyPrepared(folder: string): Promise<void> {
  const manifest = readManifest(folder);
  const recorded = [
    ...Object.values(manifest.splits).map(({ file, sha256 }) => [file, sha256]),
    ...Object.entries(manifest.files),
  ];
  for (const [file, expected] of recorded) {
    const path = join(folder, file);
    if (!existsSync(path)) throw error('FILE_MISSING', { path, expected: 'a file of a prepared data set' });
    const found = await sha256File(path);
    if (found !== expected) throw error('CHECKSUM_MISMATCH', { path, expected, found });
  }
}

/** Tokens of a vocabulary file by id; the reserved ids hold the empty text, which is never a token. */
async function readTokens(path: string): Promise<string[]> {
  const { connection, close } = await openDuckDB();
  try {
    const result = await connection.runAndReadAll(`SELECT id, token FROM read_parquet(${literal(path)}) ORDER BY id`);
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

/** The row encoder of a prepared data set. */
export async function openRowEncoder(data: PreparedData): Promise<RowEncoder> {
  const { config, fields, sequences } = data.manifest;
  const tokens = new Map<string, string[]>();
  for (const { name } of fields) tokens.set(name, await data.tokens(name));
  return createRowEncoder({ config, fields, sequences, tokens: (field) => tokens.get(field) ?? [] });
}
