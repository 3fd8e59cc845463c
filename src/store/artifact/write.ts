/** Writes an artifact. Before it appears it is opened as a server would open it. It appears complete or not at all. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asWriteError } from '../../base/files.ts';
import { writeFolder } from '../../base/folders.ts';
import { seal } from '../../base/seal.ts';
import { artifactId } from './check-manifest.ts';
import { type ArtifactManifest, artifactSchema } from './manifest.ts';
import { openArtifact } from './open.ts';
import { MANIFEST } from './paths.ts';

export interface ArtifactContent {
  /** Entries of the manifest that are not computed here. */
  manifest: Omit<ArtifactManifest, 'format' | 'version' | 'id' | 'created' | 'files'>;
  /** Every file by its path in the artifact, in parts that are written in order. */
  files: Iterable<readonly [path: string, parts: Iterable<string | Uint8Array>]>;
}

/**
 * Writes an artifact into a folder that is absent or empty. Returns its manifest.
 *
 * @throws ARTIFACT_EXISTS, DISK_FULL, FILE_UNWRITABLE; the folder is then unchanged
 */
export const writeArtifact = (folder: string, content: ArtifactContent): Promise<ArtifactManifest> =>
  writeFolder(folder, (staging) => fill(staging, content), checkPlace);

async function fill(staging: string, { manifest, files }: ArtifactContent): Promise<ArtifactManifest> {
  const stamps: ArtifactManifest['files'] = {};
  for (const [path, parts] of files) stamps[path] = writePart(join(staging, path), parts);
  const content: Omit<ArtifactManifest, 'id'> = {
    format: 'tributary-artifact',
    version: 1,
    created: new Date().toISOString(),
    ...manifest,
    files: stamps,
  };
  const whole = artifactSchema.parse({ ...content, id: artifactId(content) });
  writePart(join(staging, MANIFEST), [seal(whole)]);
  await openArtifact(staging);
  return whole;
}

/** Throws ARTIFACT_EXISTS unless an artifact can be written there: check this before long work. */
export function checkPlace(folder: string): void {
  let found: string[];
  try {
    found = existsSync(folder) ? readdirSync(folder) : [];
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
  if (found.length > 0) throw error('ARTIFACT_EXISTS', { folder, found: found.sort()[0] });
}

function writePart(path: string, parts: Iterable<string | Uint8Array>): { bytes: number; sha256: string } {
  mkdirSync(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const file = openSync(path, 'wx');
  try {
    for (const part of parts) {
      const content = typeof part === 'string' ? Buffer.from(part) : part;
      hash.update(content);
      for (let at = 0; at < content.length; )
        at += writeSync(file, content, at, Math.min(content.length - at, 1 << 26));
      bytes += content.length;
    }
  } finally {
    closeSync(file);
  }
  return { bytes, sha256: hash.digest('hex') };
}
