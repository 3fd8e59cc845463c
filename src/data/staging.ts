/**
 * A folder that appears as a whole: it is filled beside its place under a name of this process, synced, then renamed.
 * What a killed process leaves behind is removed by the next one that writes to the same place.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { asWriteError, syncFolder } from '../base/files.ts';

/** Lets `fill` write into a staging folder, then puts it in the place of `folder`. On any error `folder` is as it was. */
export async function writeFolder<T>(folder: string, fill: (staging: string) => Promise<T>): Promise<T> {
  const target = resolve(folder);
  const staging = `${target}.preparing-${process.pid}`;
  const replaced = `${target}.replaced-${process.pid}`;
  try {
    mkdirSync(dirname(target), { recursive: true });
    removeLeftovers(target);
    mkdirSync(staging);
    const result = await fill(staging);
    syncTree(staging);
    if (existsSync(target)) renameSync(target, replaced);
    renameSync(staging, target);
    syncFolder(dirname(target));
    rmSync(replaced, { recursive: true, force: true });
    return result;
  } catch (cause) {
    if (existsSync(staging)) rmSync(staging, { recursive: true, force: true });
    if (existsSync(replaced) && !existsSync(target)) renameSync(replaced, target);
    throw asWriteError(cause, target);
  }
}

/** Removes staging folders of processes that are gone; a set that was being replaced goes back to its place. */
function removeLeftovers(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    const match = /^(.*)\.(preparing|replaced)-(\d+)$/.exec(name);
    if (match === null || match[1] !== basename(target) || isRunning(Number(match[3]))) continue;
    const path = join(dirname(target), name);
    if (match[2] === 'replaced' && !existsSync(target)) renameSync(path, target);
    else rmSync(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false; // an earlier process of the same number
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
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
