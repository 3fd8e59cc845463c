/** Files are written to a temporary name, synced, then renamed: a reader sees the old content or the new, never a part. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { error, TributaryError } from './errors/index.ts';
import { newMark, readMark } from './marks.ts';

/** Writes `parts` one after another as the whole content of `path`. Throws DISK_FULL or FILE_UNWRITABLE; then `path` is as it was. */
export function writeFileAtomic(path: string, ...parts: (string | Uint8Array | Iterable<Uint8Array>)[]): void {
  const temporary = temporaryOf(path);
  try {
    const file = create(temporary);
    try {
      for (const part of parts)
        if (typeof part === 'string') writeAll(file, Buffer.from(part));
        else if (part instanceof Uint8Array) writeAll(file, part);
        else for (const piece of part) writeAll(file, piece);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    put(temporary, path);
  } catch (cause) {
    throw abandon(temporary, path, cause);
  }
}

/** Writes pieces as they come, as `writeFileAtomic` does. Errors of their source pass through. */
export async function streamFileAtomic(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    const file = create(temporary);
    try {
      for await (const piece of pieces) writeAll(file, piece);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    put(temporary, path);
  } catch (cause) {
    throw abandon(temporary, path, cause);
  }
}

/** Names what is to become `path`, and says which process writes it. */
export const temporaryOf = (path: string): string => `${path}.${newMark()}.tmp`;

/** Removes what processes that are gone left of `path`: those that were killed before their rename. */
export function removeLeftovers(path: string): void {
  for (const name of readdirSync(dirname(path)))
    if (name.startsWith(`${basename(path)}.`) && isLeftover(name)) rmSync(join(dirname(path), name), { force: true });
}

/** Is it the name of a temporary file whose process is gone? */
export function isLeftover(name: string): boolean {
  const [, mark] = /\.([^.]+)\.tmp$/.exec(name) ?? [];
  return mark !== undefined && readMark(mark)?.alive === false;
}

function create(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'w');
}

function put(temporary: string, path: string): void {
  renameSync(temporary, path);
  removeLeftovers(path);
  syncFolder(dirname(path));
}

function abandon(temporary: string, path: string, cause: unknown): unknown {
  if (existsSync(temporary)) rmSync(temporary);
  return asWriteError(cause, path);
}

/**
 * Throws FILE_OCCUPIED where something is at `path` that may not be overwritten.
 *
 * @param expected what may be
 * @param isOurs looks at the text of a file that is there; one that cannot be read is not ours
 */
export function checkOurs(path: string, expected: string, isOurs: (text: string) => boolean): void {
  if (!existsSync(path)) return;
  let ours = false;
  try {
    ours = isOurs(readDescription(path, expected));
  } catch {
    // Not a file, too large, or not what `isOurs` can take apart.
  }
  if (!ours) throw error('FILE_OCCUPIED', { path, expected });
}

/** Makes a folder and those above it, where they are not there yet. Throws DISK_FULL or FILE_UNWRITABLE. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw asWriteError(cause, path);
  }
}

/** Makes a rename in `folder` durable. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Text of a file. Throws FILE_MISSING (naming what was expected there) or FILE_UNREADABLE. */
export function readText(path: string, expected: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw asReadError(cause, path, expected);
  }
}

/** Manifests and other descriptions are far smaller; a larger one is not read, since parsing takes several times its size. */
export const MAX_DESCRIPTION_BYTES = 64 * 2 ** 20;

/** Text of a file that describes others. Throws FILE_TOO_LARGE, and what readText throws. */
export function readDescription(path: string, expected: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile())
    throw error('FILE_UNREADABLE', { path, reason: `it is not a file, expected ${expected}` });
  if (stat !== undefined && stat.size > MAX_DESCRIPTION_BYTES)
    throw error('FILE_TOO_LARGE', { path, expected, bytes: stat.size, limit: MAX_DESCRIPTION_BYTES });
  return readText(path, expected);
}

/** Bytes of a file of any size, in a buffer of its own. Throws FILE_MISSING or FILE_UNREADABLE, which name `shown`. */
export function readBytes(path: string, expected: string, shown: string = path): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(fstatSync(file).size);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(file, bytes, length, Math.min(bytes.length - length, 1 << 30), null);
      return bytes.subarray(0, length);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw asReadError(cause, shown, expected);
  }
}

/** Turns a failed system call into the catalogue's error; other errors pass through. */
export function asWriteError(cause: unknown, path: string): unknown {
  if (cause instanceof TributaryError) return cause;
  const code = (cause as NodeJS.ErrnoException)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return error('DISK_FULL', { path }, cause);
  if (code !== undefined) return error('FILE_UNWRITABLE', { path, reason: (cause as Error).message }, cause);
  return cause;
}

export function asReadError(cause: unknown, path: string, expected: string): unknown {
  if (cause instanceof TributaryError) return cause;
  const code = (cause as NodeJS.ErrnoException)?.code;
  if (code === 'ENOENT') return error('FILE_MISSING', { path, expected }, cause);
  if (code !== undefined) return error('FILE_UNREADABLE', { path, reason: (cause as Error).message }, cause);
  return cause;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 26));
}
