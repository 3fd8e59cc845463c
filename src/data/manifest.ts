/** The manifest of a prepared data set, and the names of the files beside it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { readText } from '../base/files.ts';
import { canonicalJson, sha256, sha256File } from '../base/hash.ts';
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

/** What a manifest is made of; the rest is computed. */
type ManifestParts = Pick<
  Manifest,
  | 'config'
  | 'configHash'
  | 'inputs'
  | 'columns'
  | 'fields'
  | 'orderedTasks'
  | 'sequences'
  | 'splits'
  | 'scenarios'
  | 'tasks'
  | 'sourceFolder'
>;

/** Writes the manifest of the folder `staging`, whose other files are complete. */
export async function writeManifest(staging: string, parts: ManifestParts): Promise<Manifest> {
  const { sourceFolder, ...rest } = parts;
  const files: Record<string, string> = {};
  const vocabularies = readdirSync(join(staging, 'vocabularies')).sort();
  for (const file of ['statistics.json', ...vocabularies.map((name) => `vocabularies/${name}`)])
    files[file] = await sha256File(join(staging, file));
  const content = {
    version: 1 as const,
    name: parts.config.name,
    ...rest,
    tableRows: parts.fields.reduce((sum, f) => sum + f.size, 0),
    hasWeight: parts.config.weight !== undefined,
    hasGroup: parts.config.group !== undefined,
    files,
  };
  const hash = sha256(canonicalJson({ ...content, inputs: parts.inputs.map(({ modified: _, ...input }) => input) }));
  const manifest: Manifest = { ...content, sourceFolder, hash };
  writeFileSync(join(staging, 'manifest.json'), `${JSON.stringify(manifest, undefined, 1)}\n`);
  return manifest;
}
