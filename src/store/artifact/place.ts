/**
 * A folder that is kept open while it is read. On systems with /proc, files are opened relative to the open folder, even if its path
 * changes: nobody can replace it between a check and a read.
 */
import { closeSync, constants, existsSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';

export interface Place {
  /** Absolute, links resolved; for messages. */
  folder: string;
  /** Path that opens a file of the folder. */
  at: (file: string) => string;
  /** Path for messages. */
  shown: (file: string) => string;
  close(): void;
}

/** Throws ARTIFACT_NOT_FOUND if there is no folder, FILE_UNREADABLE if it cannot be read. */
export function holdPlace(given: string): Place {
  let handle: number | undefined;
  try {
    const real = realpathSync(given);
    // Windows cannot open folders.
    if (process.platform !== 'win32') handle = openSync(real, constants.O_RDONLY | constants.O_DIRECTORY);
    const held = handle === undefined ? real : `/proc/self/fd/${handle}`;
    const isHeld = handle !== undefined && existsSync(held);
    const folder = isHeld ? readlinkSync(held) : real;
    const base = isHeld ? held : real;
    return {
      folder,
      at: (file) => join(base, file),
      shown: (file) => join(folder, file),
      close() {
        if (handle !== undefined) closeSync(handle);
        handle = undefined;
      },
    };
  } catch (cause) {
    if (handle !== undefined) closeSync(handle);
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw asReadError(cause, given, 'an artifact');
    throw error('ARTIFACT_NOT_FOUND', { folder: given }, cause);
  }
}

/** Throws ARTIFACT_OUTSIDE unless the place lies in `folder`, links of both resolved. */
export function checkWithin({ folder }: Place, allowed: string, given: string): void {
  let real = allowed;
  try {
    real = realpathSync(allowed);
  } catch {
    // A missing folder contains nothing.
  }
  if (!isInside(folder, real)) throw error('ARTIFACT_OUTSIDE', { path: given, folder: allowed });
}

/** Is `path` inside `folder`? Both are absolute; links are not resolved. */
export function isInside(path: string, folder: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}
