/**
 * A folder that appears as a whole: it is filled next to its place, synced, then renamed. Where it takes the place of another
 * one, that one is renamed first: a kill between the two renames leaves the old one under its second name, from which the next
 * reader or writer brings it back. (Node has no call that exchanges two folders in one step.)
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { asWriteError, syncFolder } from './files.ts';
import { type Mark, newMark, readMark } from './marks.ts';

/**
 * Lets `fill` write into a staging folder, then puts it in the place of `folder`, which may be a link to a folder. On any error
 * `folder` is as it was.
 *
 * @param mayReplace throws unless all that is in a folder may go; called with what is found at `folder`, if that is not empty
 * @throws what `fill` and `mayReplace` throw; DISK_FULL, FILE_UNWRITABLE
 */
export async function writeFolder<T>(
  folder: string,
  fill: (staging: string) => Promise<T>,
  mayReplace: (folder: string) => void,
): Promise<T> {
  try {
    recoverFolder(folder);
    const target = existsSync(folder) ? realpathSync(folder) : resolve(folder);
    mkdirSync(dirname(target), { recursive: true });
    removeLeftovers(target);
    const staging = markedName(target, 'writing');
    try {
      mkdirSync(staging);
      const result = await fill(staging);
      syncTree(staging);
      swap(staging, target, mayReplace);
      return result;
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
}

function swap(staging: string, target: string, mayReplace: (folder: string) => void): void {
  const displaced = existsSync(target) && readdirSync(target).length > 0 ? markedName(target, 'replaced') : undefined;
  if (displaced !== undefined) {
    mayReplace(target);
    renameSync(target, displaced);
  } else if (existsSync(target) && process.platform === 'win32') rmdirSync(target); // elsewhere a rename replaces it
  try {
    renameSync(staging, target);
  } catch (cause) {
    if (displaced !== undefined && !existsSync(target)) renameSync(displaced, target);
    throw cause;
  }
  syncFolder(dirname(target));
  if (displaced !== undefined) discard(displaced, target, mayReplace);
}

/** Removes what was displaced, unless somebody has put something in meanwhile: then it stays under its second name. */
function discard(displaced: string, target: string, mayReplace: (folder: string) => void): void {
  try {
    mayReplace(displaced);
  } catch {
    return;
  }
  const discarded = markedName(target, 'discarded'); // half of it must not be taken for a whole folder after a kill
  renameSync(displaced, discarded);
  rmSync(discarded, { recursive: true, force: true });
}

/** How long a process may take between its two renames: they follow each other at once. */
const [TRIES, PAUSE_MS] = [20, 25];

/**
 * Brings back a folder that a process which was killed had moved aside. Readers call it where they find nothing.
 *
 * @returns the folder that would have to be renamed to `folder`, where this process is not allowed to
 */
export function recoverFolder(folder: string): string | undefined {
  const target = resolve(folder);
  for (let tries = 0; !existsSync(target); tries++) {
    const aside = siblings(target)
      .filter(({ verb }) => verb === 'replaced')
      .sort((a, b) => b.changed - a.changed)[0];
    if (aside === undefined) return undefined;
    if (aside.alive && tries < TRIES) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    else
      try {
        renameSync(aside.path, target);
      } catch {
        return existsSync(target) ? undefined : aside.path;
      }
  }
  return undefined;
}

/** Removes folders of processes that are gone. */
function removeLeftovers(target: string): void {
  // Version 0.1 named its folders by process numbers alone: somebody else may have named one so.
  for (const { path, verb, alive, whole } of siblings(target))
    if (whole && !alive && (verb !== 'replaced' || existsSync(target))) rmSync(path, { recursive: true, force: true });
}

type Verb = 'writing' | 'replaced' | 'discarded';

interface Sibling extends Mark {
  path: string;
  verb: Verb;
  /** Milliseconds since 1970. */
  changed: number;
}

/** A name next to `target` that no other process takes. */
const markedName = (target: string, verb: Verb): string => `${target}.${verb}-${newMark()}`;

function siblings(target: string): Sibling[] {
  const start = `${basename(target)}.`;
  return namesIn(dirname(target)).flatMap((name) => {
    const [, verb, text] = (name.startsWith(start) && VERB_AND_MARK.exec(name.slice(start.length))) || [];
    const mark = text === undefined ? undefined : readMark(text);
    if (mark === undefined) return [];
    const path = join(dirname(target), name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return [];
    return [{ path, verb: verb as Verb, ...mark, changed: stat.ctimeMs }];
  });
}

const VERB_AND_MARK = /^(writing|replaced|discarded)-(.*)$/;

/** None where there is no such folder, or it cannot be listed: the caller will find out. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      syncTree(path);
      continue;
    }
    const file = openSync(path, 'r');
    fsyncSync(file);
    closeSync(file);
  }
  syncFolder(folder);
}
