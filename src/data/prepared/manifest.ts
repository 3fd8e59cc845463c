/** The manifest of a prepared data set, and the names of the files it names. Nothing is used before it is known to be what was written. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { readDescription } from '../../base/files.ts';
import { recoverFolder } from '../../base/folders.ts';
import { sha256File } from '../../base/hash.ts';
import { seal } from '../../base/seal.ts';
import type { SplitName } from '../../config/dataset.ts';
import { ADVICE, checkedManifest, manifestHash, STATISTICS } from './check-manifest.ts';
import type { Manifest } from './prepared.ts';

const MANIFEST = 'manifest.json';

/** Path of a field's vocabulary inside the folder. */
export const vocabularyFile = (field: string): string => `vocabularies/${field}.parquet`;

/** Path of the ledger of a field's tokens: how often and when they were seen. */
export const sightingsFile = (field: string): string => `vocabularies/${field}.sightings.parquet`;

/** Path of the table of a rate field. */
export const rateFile = (field: string): string => `vocabularies/${field}.rates.parquet`;

/** Is there a manifest, be it that a killed process had moved its folder aside? */
export function hasManifest(folder: string): boolean {
  recoverFolder(folder);
  return existsSync(join(folder, MANIFEST));
}

/**
 * Reads and verifies a manifest.
 *
 * @param missing thrown where there is none. Default: DATA_NOT_PREPARED
 * @throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH, FILE_TOO_LARGE
 */
export function readManifest(folder: string, missing?: Error): Manifest {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) {
    const aside = recoverFolder(folder);
    const reason = aside === undefined ? 'it has no manifest.json' : `it was moved to ${aside}: rename that`;
    if (!existsSync(path)) throw missing ?? error('DATA_NOT_PREPARED', { path: folder, reason });
  }
  return checkedManifest(folder, path, readDescription(path, 'the manifest of a prepared data set'));
}

/**
 * Path of a file of the data set, verified: read it at once.
 *
 * @throws FILE_MISSING, CHECKSUM_MISMATCH
 */
export async function verifiedFile(folder: string, manifest: Manifest, file: string): Promise<string> {
  const path = join(folder, file);
  const part = Object.values(manifest.splits).find((split) => split.file === file);
  const expected = part?.sha256 ?? manifest.files[file];
  if (!existsSync(path)) throw error('FILE_MISSING', { path, expected: 'a file of a prepared data set' });
  const found = await sha256File(path);
  if (found !== expected)
    throw error('CHECKSUM_MISMATCH', { path, expected: expected ?? 'none', found, advice: ADVICE });
  return path;
}

/**
 * A file or folder in a prepared data set that `prepare` did not write there, by its path inside; undefined where all is ours.
 * Without a manifest all vocabularies count as ours.
 */
export function strangerIn(folder: string, manifest: Manifest | undefined): string | undefined {
  const splits: SplitName[] = ['train', 'validation', 'test'];
  const isOurs = (path: string): boolean => {
    if ([MANIFEST, STATISTICS, ...splits.map((split) => `${split}.parquet`)].includes(path)) return true;
    if (path.startsWith('vocabularies/'))
      return manifest === undefined ? path.endsWith('.parquet') : Object.hasOwn(manifest.files, path);
    return ROW_FILE.test(path);
  };
  const visit = (inside: string): string | undefined => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const stranger =
        entry.isDirectory() && ['vocabularies', 'rows'].includes(path)
          ? visit(path)
          : entry.isFile() && isOurs(path)
            ? undefined
            : path;
      if (stranger !== undefined) return stranger;
    }
    return undefined;
  };
  return visit('');
}

/** Row files, and what a killed process left of one. */
const ROW_FILE = /^rows\/(train|validation|test)\.bin(\.\d+\.tmp)?$/;

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
  | 'splitBorders'
  | 'scenarios'
  | 'tasks'
  | 'sourceFolder'
>;

/** Writes the manifest of the folder `staging`, whose other files are complete. */
export async function writeManifest(staging: string, parts: ManifestParts): Promise<Manifest> {
  const files: Record<string, string> = {};
  const vocabularies = readdirSync(join(staging, 'vocabularies')).sort();
  for (const file of [STATISTICS, ...vocabularies.map((name) => `vocabularies/${name}`)])
    files[file] = await sha256File(join(staging, file));
  const content = {
    version: 2 as const,
    name: parts.config.name,
    ...parts,
    tableRows: parts.fields.reduce((sum, f) => sum + f.size, 0),
    hasWeight: parts.config.weight !== undefined,
    hasGroup: parts.config.group !== undefined,
    files,
  };
  const manifest: Manifest = { ...content, hash: manifestHash(content) };
  writeFileSync(join(staging, MANIFEST), seal(manifest, 1));
  return manifest;
}
