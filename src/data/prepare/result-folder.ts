/** The folder that a preparation writes: what an earlier one left there, and what of it may be replaced. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { error, TributaryError } from '../../base/errors/index.ts';
import { recoverFolder } from '../../base/folders.ts';
import { readManifest, strangerIn } from '../prepared/manifest.ts';
import { verifyPrepared } from '../prepared/open.ts';
import type { Manifest } from '../prepared/prepared.ts';
import { type Statistics, statisticsSchema } from './statistics.ts';

/** The manifest in the place of the result, if there is one. Throws DATA_OUT_OCCUPIED where something else is. */
export function earlierResult(folder: string): Manifest | undefined {
  recoverFolder(folder);
  if (!existsSync(folder)) return undefined;
  if (!statSync(folder).isDirectory()) throw error('DATA_OUT_OCCUPIED', { path: folder });
  if (readdirSync(folder).length === 0) return undefined;
  return checkOurs(folder);
}

/** Throws DATA_OUT_OCCUPIED unless all that is in a folder is of an earlier preparation; returns its manifest, if that is whole. */
export function checkOurs(folder: string): Manifest | undefined {
  // Run folders and artifacts have a manifest and vocabularies too; all four names together are ours.
  const ours = ['manifest.json', 'statistics.json', 'vocabularies', 'train.parquet'];
  if (!ours.every((name) => existsSync(join(folder, name))))
    throw error('DATA_OUT_OCCUPIED', { path: folder, found: strangerIn(folder, undefined) });
  const manifest = manifestIfWhole(folder);
  const found = strangerIn(folder, manifest);
  if (found !== undefined) throw error('DATA_OUT_OCCUPIED', { path: folder, found });
  return manifest;
}

function manifestIfWhole(folder: string): Manifest | undefined {
  try {
    return readManifest(folder);
  } catch (cause) {
    if (cause instanceof TributaryError) return undefined; // damaged or of another layout: prepared anew
    throw cause;
  }
}

/** Is every file as it was written? A folder that was damaged is prepared again though nothing else has changed. */
export async function isWhole(folder: string): Promise<boolean> {
  try {
    await verifyPrepared(folder);
    return true;
  } catch (cause) {
    if (cause instanceof TributaryError) return false;
    throw cause;
  }
}

/** The statistics of a whole folder. Undefined if they have another layout: the folder is then prepared again. */
export function readStatistics(folder: string): Statistics | undefined {
  const parsed = statisticsSchema.safeParse(JSON.parse(readFileSync(join(folder, 'statistics.json'), 'utf8')));
  return parsed.success ? parsed.data : undefined;
}
