/**
 * One process at a time in a folder. The holder is the file `lock.<n>` with the highest n; it is created whole and only
 * where it does not exist yet, so one of several contenders wins. The lock of a process that is gone is superseded by n + 1.
 */
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import { asWriteError } from '../base/files.ts';

interface Holder {
  pid: number;
  host: string;
  /** When that process began, where the system tells: process numbers come again, most of all in containers. */
  started?: string;
}

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

function holderOf(lock: string): Holder | 'gone' | 'given back' {
  try {
    const holder: Holder = JSON.parse(readFileSync(lock, 'utf8'));
    return isAlive(holder) ? holder : 'gone';
  } catch (cause) {
    // Anything but "no such file" is a lock that a power cut left without its content.
    return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'given back' : 'gone';
  }
}

/** A process of another machine counts as alive: nothing here can tell. */
function isAlive({ pid, host, started }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return started === undefined || started === startOf(pid);
}

/** Start of a process in clock ticks since boot (Linux), else undefined. */
function startOf(pid: number): string | undefined {
  try {
    // The name in parentheses may hold blanks: count fields from behind it. Field 22 of the line is the 20th after it.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Creates lock file n with its content, in one step; false where it exists. */
function create(folder: string, n: number): boolean {
  const draft = join(folder, `lock.${process.pid}.${n}.tmp`);
  const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  try {
    writeFileSync(draft, JSON.stringify(holder));
    linkSync(draft, path(folder, n));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asWriteError(cause, folder);
  } finally {
    rmSync(draft, { force: true });
  }
}
