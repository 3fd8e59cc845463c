/** The manifest of a prepared data set, and the names of the files it names. Nothing is used before it is known to be what was written. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { readDescription } from '../../base/files.ts';
import { recoverFolder } from '../../base/folders.ts';
import { canonicalJson, sha256, sha256File } from '../../base/hash.ts';
import { parseJson } from '../../base/json.ts';
import { seal, UNREADABLE, unseal } from '../../base/seal.ts';
import type { SplitName } from '../../config/dataset.ts';
import { manifestProblem } from './check-manifest.ts';
import type { Manifest } from './prepared.ts';

const MANIFEST = 'manifest.json';
const STATISTICS = 'statistics.json';

/** Path of a field's vocabulary inside the folder. */
export const vocabularyFile = (field: string): string => `vocabularies/${field}.parquet`;

/** Path of the table of a rate field. */
export const rateFile = (field: string): string => `vocabularies/${field}.rates.parquet`;

/** What to do about a damaged file of a prepared data set. */
const ADVICE = 'Restore it from a copy, or run tributary prepare again';

/** Is there a manifest, be it that a killed process had moved its folder aside? */
export function hasManifest(folder: string): boolean {
  recoverFolder(folder);
  return existsSync(join(folder, MANIFEST));
}

/** Reads and verifies a manifest. Throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH, FILE_TOO_LARGE. */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) {
    const aside = recoverFolder(folder);
    const reason = aside === undefined ? 'it has no manifest.json' : `it was moved to ${aside}: rename that`;
    if (!existsSync(path)) throw error('DATA_NOT_PREPARED', { path: folder, reason });
  }
  const text = readDescription(path, 'the manifest of a prepared data set');
  const { manifest, mismatch } = parseManifest(folder, text);
  const { version } = manifest;
  if (version !== 1 && version !== 2)
    throw error('DATA_VERSION', { path: folder, found: version, expected: '1 and 2' });
  if (manifest.fields === undefined || manifest.splits === undefined || manifest.hash === undefined)
    throw error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is incomplete' });
  // Version 1 wrote none.
  if (mismatch !== undefined && (version > 1 || mismatch.expected !== UNREADABLE))
    throw error('CHECKSUM_MISMATCH', { path, ...mismatch, advice: ADVICE });
  const found = manifestHash(manifest as Manifest);
  if (found !== manifest.hash)
    throw error('CHECKSUM_MISMATCH', { path, expected: String(manifest.hash), found, advice: ADVICE });
  const problem = manifestProblem(manifest);
  if (problem !== undefined)
    throw error('DATA_NOT_PREPARED', {
      path: folder,
      reason: `its manifest.json is not one that prepare writes: ${problem}`,
    });
  return manifest as Manifest;
}

/** The object in a manifest's text, and the checksums that disagree, if they do. */
function parseManifest(
  folder: string,
  text: string,
): { manifest: Partial<Manifest>; mismatch?: { expected: string; found: string } } {
  const damaged = (cause?: unknown) =>
    error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is damaged' }, cause);
  try {
    const content = unseal(text);
    const manifest = 'value' in content ? content.value : parseJson(text);
    if (manifest === null || typeof manifest !== 'object') throw damaged();
    return { manifest, ...(!('value' in content) && { mismatch: content }) };
  } catch (cause) {
    throw cause instanceof SyntaxError ? damaged(cause) : cause;
  }
}

/**
 * The data set's own hash: rows, vocabularies and what they mean. It does not depend on where the data came from, on what is
 * counted of them, or on how the manifest is laid out, so that a later version which prepares the same rows gives the same hash.
 */
export function manifestHash(manifest: Omit<Manifest, 'hash'>): string {
  if (manifest.version === 1) return hashOfVersion1(manifest);
  const { name, fields, sequences, tableRows, scenarios, tasks, splits, hasWeight, hasGroup } = manifest;
  const vocabularies = Object.entries(manifest.files ?? {}).filter(([file]) => file !== STATISTICS);
  const content = { name, fields, sequences, tableRows, scenarios, tasks, splits, hasWeight, hasGroup, vocabularies };
  return sha256(canonicalJson(content));
}

/** Over all but places and times. */
function hashOfVersion1(manifest: Omit<Manifest, 'hash'> & { hash?: string }): string {
  const { sourceFolder: _s, hash: _h, ...content } = manifest;
  // A damaged manifest may have anything here.
  const inputs = Array.isArray(content.inputs)
    ? content.inputs.map((input) => ({ ...input, modified: undefined }))
    : content.inputs;
  return sha256(canonicalJson({ ...content, inputs }));
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
