/** Which process made something, by its mark in a file or in the name of one, and whether it still runs: a killed process leaves what it made. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from './hash.ts';

export interface ProcessMark {
  pid: number;
  host: string;
  /** When it began, where the system says so: process numbers come again, most of all in containers. */
  started?: string;
}

export const thisProcess = (): ProcessMark => ({
  pid: process.pid,
  host: hostname(),
  started: statusOf(process.pid)?.started,
});

/** Processes of other machines count as alive, since they cannot be checked from here. Zombies count as dead: they will not continue. */
export function isAlive({ pid, host, started }: ProcessMark): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const status = statusOf(pid);
  if (status === undefined) return true; // no /proc here
  return !DEAD.includes(status.state) && (started === undefined || started === status.started);
}

/** States of a process that has ended: zombie (its parent has not asked how it ended, as in containers without an init), dead. */
const DEAD = ['Z', 'X', 'x'];

/** State, and start in clock ticks since boot (Linux); undefined elsewhere. */
function statusOf(pid: number): { state: string; started: string } | undefined {
  try {
    // The name in parentheses may hold blanks: count fields from behind it. Fields 3 and 22 of the line are the 1st and 20th after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields.length > 19 ? { state: fields[0], started: fields[19] } : undefined;
  } catch {
    return undefined;
  }
}

/** What the name of a file or folder says of the process that makes it. */
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
