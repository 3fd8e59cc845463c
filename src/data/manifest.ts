/** The manifest of a prepared data set, and the names of the files beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { readText } from '../base/files.ts';
import type { Manifest } from './prepared.ts';

/** Path of a field's vocabulary inside the folder. */
export const vocabularyFile = (field: string): string => `vocabularies/${field}.parquet`;

/** Reads and checks a manifest. Throws DATA_NOT_PREPARED, DATA_VERSION. */
export function readManifest(folder: string): Manifest {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path)) throw error('DATA_NOT_PREPARED', { path: folder, reason: 'it has no manifest.json' });
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(readText(path, 'the manifest of a prepared data set')) as Partial<Manifest>;
  } catch (cause) {
    throw error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is damaged' }, cause);
  }
  if (manifest.version !== 1) throw error('DATA_VERSION', { path: folder, found: manifest.version, expected: 1 });
  if (manifest.fields === undefined || manifest.splits === undefined || manifest.hash === undefined)
    throw error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is incomplete' });
  return manifest as Manifest;
}
