/**
 * A private copy of an artifact. Tables are mapped into memory: overwriting a mapped file changes answers, truncating it kills the
 * process by SIGBUS. A hard link would not help, since it is the same file. On file systems with copy-on-write (Btrfs, XFS) the copy
 * takes no space. The checksums are compared with the copied bytes, so later changes of the folder have no effect.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { error, TributaryError } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { sha256, sha256File } from '../../base/hash.ts';
import type { ArtifactManifest } from './manifest.ts';
import { checkFiles, readManifest } from './manifest-file.ts';
import { MANIFEST } from './paths.ts';
import { checkWithin, holdPlace, type Place } from './place.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
/** Smaller files are copied without yielding to the event loop. */
const SMALL_BYTES = 256 * 1024;

export interface PrivateCopy {
  manifest: ArtifactManifest;
  /** SHA-256 of the manifest, which contains all other checksums: equal only for equal copies. */
  checksum: string;
  /** Absolute path of the original, links resolved. */
  source: string;
}

export interface CopyRequest {
  /** The artifact. */
  from: string;
  /** A folder that does not exist yet, in a private folder of this process. */
  into: string;
  /** The artifact must lie in this folder, links resolved. Default: anywhere. */
  within?: string;
}

/**
 * Copies an artifact and verifies it byte for byte; `into` appears complete or not at all. openArtifact checks that graphs and
 * vocabularies fit.
 *
 * @throws CACHE_FULL, CACHE_UNWRITABLE, ARTIFACT_OUTSIDE, errors of readManifest and checkFiles, ARTIFACT_FILE_CHANGED
 */
export async function copyArtifact({ from, into, within }: CopyRequest): Promise<PrivateCopy> {
  const place = holdPlace(from);
  try {
    if (within !== undefined) checkWithin(place, within, from);
    const { manifest, text } = readManifest(place);
    checkFiles(place, manifest);
    await copyFiles(place, manifest, text, into);
    return { manifest, checksum: sha256(text), source: place.folder };
  } finally {
    place.close();
  }
}

async function copyFiles(place: Place, { files }: ArtifactManifest, text: string, into: string): Promise<void> {
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, Buffer.byteLength(text));
  try {
    mkdirSync(into, { mode: 0o700 });
    checkSpace(into, bytes);
    let atOnce = 0;
    for (const [name, expected] of Object.entries(files)) {
      mkdirSync(dirname(join(into, name)), { recursive: true, mode: 0o700 });
      if (expected.bytes > SMALL_BYTES) await copyLarge(place, name, join(into, name), expected);
      else {
        copySmall(place, name, join(into, name), expected);
        atOnce += expected.bytes;
        if (atOnce > CHUNK_BYTES) await nextTurn();
        if (atOnce > CHUNK_BYTES) atOnce = 0;
      }
    }
    writeFileSync(join(into, MANIFEST), text, { mode: 0o600 });
  } catch (cause) {
    rmSync(into, { recursive: true, force: true });
    throw asCacheError(cause, place.folder, bytes, dirname(into));
  }
}

/** Fails before much is copied. A file system that does not report its space (0 blocks) is tried. */
function checkSpace(folder: string, bytes: number): void {
  const { bavail, blocks, bsize } = statfsSync(folder);
  // Shared blocks take no space, so only copies that can never fit are refused here.
  if (blocks > 0 && bytes > blocks * bsize)
    throw Object.assign(new Error(`its file system has ${blocks * bsize} bytes, ${bavail * bsize} free`), {
      code: 'ENOSPC',
    });
}

type Stamp = ArtifactManifest['files'][string];

/**
 * Copies a file synchronously and compares the copy. In a busy service, asynchronous steps would each wait for a turn of the event
 * loop, although the whole copy takes less than one turn.
 */
function copySmall(place: Place, name: string, to: string, { bytes, sha256: expected }: Stamp): void {
  const path = place.shown(name);
  const content = new Uint8Array(bytes);
  let source: number | undefined;
  try {
    source = openSync(place.at(name), READING);
    checkStat(fstatSync(source), path, bytes);
    for (let at = 0, read = -1; at < bytes && read !== 0; at += read)
      read = readSync(source, content, at, bytes - at, at);
  } catch (cause) {
    throw asSourceError(cause, path);
  } finally {
    if (source !== undefined) closeSync(source);
  }
  const found = sha256(content);
  if (found !== expected) throw error('ARTIFACT_FILE_CHANGED', { path, expected, found });
  writeFileSync(to, content, { flag: 'wx', mode: 0o600 });
}

/** Copies a file in pieces, or at once if blocks are shared, and compares the copy. */
async function copyLarge(place: Place, name: string, to: string, { bytes, sha256: expected }: Stamp): Promise<void> {
  const path = place.shown(name);
  const source = await open(place.at(name), READING).catch((cause) => {
    throw asSourceError(cause, path);
  });
  let found: string;
  try {
    checkStat(await source.stat(), path, bytes);
    found = (await isCloned(source, to)) ? await sha256File(to) : await copyHashed(source, path, to, bytes);
  } finally {
    await source.close();
  }
  if (found !== expected) throw error('ARTIFACT_FILE_CHANGED', { path, expected, found });
}

/** Follows no links, and does not wait for a writer of a pipe. */
const READING = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function checkStat(stat: Stats, path: string, bytes: number): void {
  if (!stat.isFile()) throw error('ARTIFACT_LINK', { path, found: 'a special file' });
  if (stat.size !== bytes) throw error('ARTIFACT_FILE_SIZE', { path, expected: bytes, found: stat.size });
}

const asSourceError = (cause: unknown, path: string): unknown =>
  (cause as NodeJS.ErrnoException).code === 'ELOOP'
    ? error('ARTIFACT_LINK', { path, found: 'a link' })
    : asReadError(cause, path, 'a file of an artifact');

/** Makes a copy-on-write copy, if the file system supports it. */
async function isCloned(source: FileHandle, to: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    await copyFile(`/proc/self/fd/${source.fd}`, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    await unlink(to).catch(() => {});
    return false;
  }
}

/** Copies the first `bytes` bytes; returns their hash. */
async function copyHashed(source: FileHandle, path: string, to: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(bytes, 1)));
  const target = await open(to, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, bytes - at), at).catch((cause) => {
        throw asReadError(cause, path, 'a file of an artifact');
      });
      if (bytesRead === 0) throw error('ARTIFACT_FILE_SIZE', { path, expected: bytes, found: at });
      const read = chunk.subarray(0, bytesRead);
      hash.update(read);
      for (let written = 0; written < bytesRead; )
        written += (await target.write(read, written, bytesRead - written, at + written)).bytesWritten;
      at += bytesRead;
    }
  } finally {
    await target.close();
  }
  return hash.digest('hex');
}

const NO_SPACE = ['ENOSPC', 'EDQUOT', 'EFBIG'];

function asCacheError(cause: unknown, path: string, bytes: number, folder: string): unknown {
  if (cause instanceof TributaryError) return cause;
  const { code, message: reason } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  return NO_SPACE.includes(code)
    ? error('CACHE_FULL', { path, bytes, folder, reason }, cause)
    : error('CACHE_UNWRITABLE', { folder, reason }, cause);
}
