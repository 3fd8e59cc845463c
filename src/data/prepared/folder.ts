/** Reading the files of a prepared data set, each when it is asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { RESERVED_IDS } from '../encode/ids.ts';
import type { RateTable } from '../encode/rates.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { filePath } from '../sql/text.ts';
import { rateFile, verifiedFile, vocabularyFile } from './manifest.ts';
import type { Batch, Manifest, PreparedData, SplitReader } from './prepared.ts';
import { openRowFile } from './reader.ts';
import { recordLayout } from './record.ts';
import { ensureRowFile } from './row-file.ts';

/** A folder whose manifest is known to be sound. Its files are verified as they are read. */
export class PreparedFolder implements PreparedData {
  readonly folder: string;
  readonly manifest: Manifest;

  constructor(folder: string, manifest: Manifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  // Properties, so that a copy of the object with another manifest still has them.
  open = (split: SplitName): Promise<SplitReader> => openSplit(this.folder, this.manifest, split);

  batches = (split: SplitName): AsyncGenerator<Batch> => allRows(() => this.open(split));

  tokens = async (field: string): Promise<string[]> => {
    const file = vocabularyFile(field);
    const { folder, manifest } = this;
    return Object.hasOwn(manifest.files, file) ? readTokens(await verifiedFile(folder, manifest, file)) : [];
  };

  rates = async (field: string): Promise<RateTable> =>
    readRates(await verifiedFile(this.folder, this.manifest, rateFile(field)));
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

/** Every row in stored order. */
async function* allRows(open: () => Promise<SplitReader>): AsyncGenerator<Batch> {
  const reader = await open();
  try {
    yield* reader.batches({ batchSize: 4096 });
  } finally {
    await reader.close();
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
