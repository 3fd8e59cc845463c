/** Which process wrote something, and whether it still runs. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

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
