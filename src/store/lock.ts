/**
 * Locks a folder for one process at a time. The file `lock.<n>` with the highest n names the holder. It is created atomically and only if
 * it does not exist, so exactly one contender wins. Lock n + 1 supersedes the lock of a process that has ended.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { asWriteError } from '../base/files.ts';
import { isAlive, type ProcessMark, thisProcess } from '../base/marks.ts';

/**
 * Locks the folder; returns a function that unlocks it.
 *
 * @throws RUN_LOCKED (names the process), FILE_UNWRITABLE
 */
export function lockFolder(folder: string): () => void {
  for (;;) {
    const held = generations(folder);
    const last = held.at(-1) ?? 0;
    const holder = last > 0 ? holderOf(path(folder, last)) : 'gone';
    if (holder === 'given back') continue;
    if (holder !== 'gone')
      throw error('RUN_LOCKED', { folder, pid: holder.pid, host: holder.host, lock: path(folder, last) });
    if (!create(folder, last + 1)) continue; // another process was faster: look again
    for (const n of held) rmSync(path(folder, n), { force: true });
    return () => rmSync(path(folder, last + 1), { force: true });
  }
}

/** Does a process use the folder? */
export function isLocked(folder: string): boolean {
  const last = generations(folder).at(-1);
  return last !== undefined && typeof holderOf(path(folder, last)) === 'object';
}

const path = (folder: string, n: number): string => join(folder, `lock.${n}`);

/** Numbers of the lock files, ascending. */
function generations(folder: string): number[] {
  const numbers = readdirSync(folder).map((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? 0));
  return numbers.filter((n) => n > 0).sort((a, b) => a - b);
}

function holderOf(lock: string): ProcessMark | 'gone' | 'given back' {
  try {
    const holder: ProcessMark = JSON.parse(readFileSync(lock, 'utf8'));
    return isAlive(holder) ? holder : 'gone';
  } catch (cause) {
    // Any other error: a power cut left the lock without content.
    return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'given back' : 'gone';
  }
}

/** Creates lock file n with its content atomically; false if it exists. */
function create(folder: string, n: number): boolean {
  const draft = join(folder, `lock.${process.pid}.${n}.tmp`);
  try {
    writeFileSync(draft, JSON.stringify(thisProcess()));
    linkSync(draft, path(folder, n));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asWriteError(cause, folder);
  } finally {
    rmSync(draft, { force: true });
  }
}
