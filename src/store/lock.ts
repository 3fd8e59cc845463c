/**
 * One process at a time in a folder. The holder is the file `lock.<n>` with the highest n; it is created whole and only
 * where it does not exist yet, so one of several contenders wins. The lock of a process that is gone is superseded by n + 1.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { asWriteError } from '../base/files.ts';
import { isAlive, type ProcessMark, thisProcess } from '../base/process.ts';

/**
 * Takes the folder; returns what gives it back.
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
    if (!create(folder, last + 1)) continue; // another one was faster: look again
    for (const n of held) rmSync(path(folder, n), { force: true });
    return () => rmSync(path(folder, last + 1), { force: true });
  }
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
    // Anything but "no such file" is a lock that a power cut left without its content.
    return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'given back' : 'gone';
  }
}

/** Creates lock file n with its content, in one step; false where it exists. */
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
