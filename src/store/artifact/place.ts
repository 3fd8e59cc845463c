/**
 * A folder held open while it is read. Where the system has /proc, its files are found in the folder that was opened,
 * whatever its path names meanwhile: nobody can exchange it between a check and the reading.
 */
import { closeSync, constants, existsSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';

export interface Place {
  /** Absolute, links resolved: what messages name. */
  folder: string;
  /** Path that opens a file of the folder. */
  at: (file: string) => string;
  /** Path that messages name. */
  shown: (file: string) => string;
  close(): void;
}

/** Throws ARTIFACT_NOT_FOUND where there is no folder, FILE_UNREADABLE where it may not be read. */
export function holdPlace(given: string): Place {
  let handle: number | undefined;
  try {
    const real = realpathSync(given);
    // Windows opens no folders.
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
    // A folder that is not there holds nothing.
  }
  if (!isInside(folder, real)) throw error('ARTIFACT_OUTSIDE', { path: given, folder: allowed });
}

/** Does `path` lie below `folder`? Both absolute; links are not looked at. */
export function isInside(path: string, folder: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}
