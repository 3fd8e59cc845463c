/** The manifest of a prepared data set, and the names of the files beside it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { readText } from '../base/files.ts';
import { canonicalJson, sha256, sha256File } from '../base/hash.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import type { InputFile, Manifest, PreparedField } from './prepared.ts';

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

interface ManifestParts {
  config: DatasetConfig;
  configHash: string;
  inputs: InputFile[];
  columns: Manifest['columns'];
  fields: PreparedField[];
  splits: Manifest['splits'];
  sourceFolder: string;
}

/** Writes the manifest of the folder `staging`, whose other files are complete. */
export async function writeManifest(staging: string, parts: ManifestParts): Promise<Manifest> {
  const { config, inputs, sourceFolder, ...rest } = parts;
  const files: Record<string, string> = {};
  const others = [
    'statistics.json',
    ...readdirSync(join(staging, 'vocabularies'))
      .map((f) => `vocabularies/${f}`)
      .sort(),
  ];
  for (const file of others) files[file] = await sha256File(join(staging, file));
  const content = {
    version: 1 as const,
    name: config.name,
    config,
    ...rest,
    inputs,
    tableRows: parts.fields.reduce((sum, f) => sum + f.size, 0),
    scenarios: config.scenario.names ?? config.scenario.values.map(String),
    tasks: config.tasks.map((t) => t.name),
    hasWeight: config.weight !== undefined,
    hasGroup: config.group !== undefined,
    files,
  };
  const hash = sha256(canonicalJson({ ...content, inputs: inputs.map(({ modified: _, ...input }) => input) }));
  const manifest: Manifest = { ...content, sourceFolder, hash };
  writeFileSync(join(staging, 'manifest.json'), `${JSON.stringify(manifest, undefined, 1)}\n`);
  return manifest;
}
