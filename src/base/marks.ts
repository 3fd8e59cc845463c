/** Marks in the names of files and folders: which process makes them, and so whether a killed one left them. */
import { hostname } from 'node:os';
import { sha256 } from './hash.ts';
import { isAlive, thisProcess } from './process.ts';

export interface Mark {
  /** Does the process run? Those of other machines count as running. */
  alive: boolean;
  /** Does the mark have all its parts? Version 0.1 wrote the number of the process alone. */
  whole: boolean;
}

const hostMark = (): string => sha256(hostname()).slice(0, 8);
let made = 0;

/** A mark that no other file or folder has: the process, its start, its machine, and a number. */
export function newMark(): string {
  const { pid, started = '0' } = thisProcess();
  return `${pid}-${started}-${hostMark()}-${made++}`;
}

/** What a mark says of the process that made it; undefined for a text that is no mark. */
export function readMark(text: string): Mark | undefined {
  const [, pid, started, host] = /^(\d+)(?:-(\d+)-([0-9a-f]{8})-\d+)?$/.exec(text) ?? [];
  if (pid === undefined) return undefined;
  const whole = host !== undefined;
  if (whole && host !== hostMark()) return { alive: true, whole };
  const alive = isAlive({ pid: Number(pid), host: hostname(), ...(whole && started !== '0' && { started }) });
  return { alive, whole };
}
