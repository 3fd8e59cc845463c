/** Reads the manifest of an artifact from a folder, and checks that the folder has the files that it names. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asReadError, MAX_DESCRIPTION_BYTES } from '../../base/files.ts';
import { unseal } from '../../base/seal.ts';
import { manifestProblems } from './check-manifest.ts';
import { type ArtifactManifest, artifactSchema } from './manifest.ts';
import { INSIDE, MANIFEST } from './paths.ts';
import { holdPlace, type Place } from './place.ts';

const FORMAT = 'tributary-artifact';

const A_MANIFEST = 'the manifest of an artifact';

export interface ManifestFile {
  manifest: ArtifactManifest;
  /** The bytes of the file. */
  text: string;
}

/**
 * Reads and checks only the manifest, not the other files.
 *
 * @throws ARTIFACT_NOT_FOUND, ARTIFACT_LINK, ARTIFACT_SEAL, ARTIFACT_VERSION, ARTIFACT_PATH, ARTIFACT_INVALID,
 *   FILE_TOO_LARGE, FILE_UNREADABLE
 */
export function readManifest(place: Place): ManifestFile {
  const { folder } = place;
  const path = place.shown(MANIFEST);
  const text = readManifestText(place);
  const content = unsealed(path, text);
  const { format, version } = content;
  if (format !== FORMAT)
    throw error('ARTIFACT_NOT_FOUND', { folder, advice: 'Its manifest.json belongs to something else' });
  if (version !== 1) throw error('ARTIFACT_VERSION', { path, found: String(version), expected: 1 });
  const names = namesIn(content).filter((name) => !INSIDE.test(name) || name === MANIFEST);
  if (names.length > 0) throw error('ARTIFACT_PATH', { path, names });
  const parsed = artifactSchema.safeParse(content);
  if (!parsed.success) throw error('ARTIFACT_INVALID', { path, problems: z.prettifyError(parsed.error).split('\n') });
  const problems = manifestProblems(parsed.data);
  if (problems.length > 0) throw error('ARTIFACT_INVALID', { path, problems });
  return { manifest: parsed.data, text };
}

/** The manifest of the artifact in a folder, for those who read no other file of it. Throws errors of readManifest. */
export function manifestIn(folder: string): ArtifactManifest {
  const place = holdPlace(folder);
  try {
    return readManifest(place).manifest;
  } finally {
    place.close();
  }
}

function readManifestText(place: Place): string {
  const path = place.shown(MANIFEST);
  let file: number | undefined;
  try {
    // Refuses a link, and opens a pipe without waiting for a writer.
    file = openSync(place.at(MANIFEST), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(file);
    if (!stat.isFile()) throw error('ARTIFACT_LINK', { path, found: 'a special file' });
    if (stat.size > MAX_DESCRIPTION_BYTES)
      throw error('FILE_TOO_LARGE', { path, expected: A_MANIFEST, bytes: stat.size, limit: MAX_DESCRIPTION_BYTES });
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw error('ARTIFACT_NOT_FOUND', { folder: place.folder }, cause);
    if (code === 'ELOOP' || code === 'ENXIO') throw error('ARTIFACT_LINK', { path, found: 'a link or a special file' });
    throw asReadError(cause, path, A_MANIFEST);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function unsealed(path: string, text: string): Record<string, unknown> {
  try {
    const content = unseal(text);
    if ('value' in content) return content.value as Record<string, unknown>;
    // Other programs also write a manifest.json.
    if (!text.includes(FORMAT)) return {};
    throw error('ARTIFACT_SEAL', { path, ...content });
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw error('ARTIFACT_INVALID', { path, problems: [`it is not JSON: ${cause.message}`] }, cause);
  }
}

/** Every text of a manifest that names a file, even if the manifest is invalid. */
function namesIn({ files, graphs, flows, tables, data }: Record<string, unknown>): string[] {
  const entries = (list: unknown, key: string): unknown[] =>
    Array.isArray(list) ? list.map((entry) => (entry as Record<string, unknown> | null)?.[key]) : [];
  const fields = (data as Record<string, unknown> | undefined)?.fields;
  return [
    ...Object.keys((files as object | undefined) ?? {}),
    ...entries(graphs, 'file'),
    ...entries([flows], 'file'),
    ...entries(tables, 'file'),
    ...entries(fields, 'vocabulary'),
  ].filter((name) => typeof name === 'string');
}

/**
 * Checks that the folder has exactly the files of the manifest, each a regular file of the right size.
 *
 * @throws ARTIFACT_LINK, ARTIFACT_FILE_MISSING, ARTIFACT_FILE_UNEXPECTED, ARTIFACT_FILE_SIZE, FILE_MISSING, FILE_UNREADABLE
 */
export function checkFiles(place: Place, manifest: ArtifactManifest): void {
  try {
    compareFiles(place, manifest);
  } catch (cause) {
    // Also if files are removed during the check.
    throw asReadError(cause, place.folder, 'the files of an artifact');
  }
}

function compareFiles(place: Place, { files }: ArtifactManifest): void {
  const { folder } = place;
  const named = Object.keys(files);
  const folders = new Set(named.filter((name) => name.includes('/')).map((name) => name.split('/')[0]));
  const found: string[] = [];
  const visit = (inside: string): void => {
    for (const entry of readdirSync(place.at(inside), { withFileTypes: true })) {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory() && folders.has(name)) visit(name);
      else if (entry.isSymbolicLink()) throw error('ARTIFACT_LINK', { path: place.shown(name), found: 'a link' });
      else if (entry.isFile() || entry.isDirectory()) found.push(name);
      else throw error('ARTIFACT_LINK', { path: place.shown(name), found: 'a special file' });
    }
  };
  visit('');
  const unexpected = found.filter((name) => name !== MANIFEST && !Object.hasOwn(files, name));
  const missing = named.filter((name) => !found.includes(name));
  if (missing.length > 0) throw error('ARTIFACT_FILE_MISSING', { folder, files: missing });
  if (unexpected.length > 0) throw error('ARTIFACT_FILE_UNEXPECTED', { folder, files: unexpected.sort() });
  for (const [name, { bytes }] of Object.entries(files)) {
    const path = place.shown(name);
    const { size } = lstatSync(place.at(name));
    if (size !== bytes) throw error('ARTIFACT_FILE_SIZE', { path, expected: bytes, found: size });
  }
}
