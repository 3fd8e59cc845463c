/** Commands that run over ranks: signals to them, found by the last word of their command line, which must be their own. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../src/base/marks.ts';
import type { Outcome } from './spawn.ts';

/** Starts a command over two ranks, and acts when both run and `ready`. Both must have ended when it returns. */
export async function whileRunning(
  words: string[],
  act: (ranks: number[], launcher: number) => void,
  ready: () => boolean = () => true,
): Promise<Outcome> {
  const child = spawn(process.execPath, [resolve('bin/tributary.js'), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const ended = new Promise<Outcome>((done) => {
    child.on('close', (code, signal) => done({ code, signal, out, err }));
  });
  const ranks = await waitFor(() => ranksOf(words.at(-1)!), 2);
  await sleep(500); // until they are within MPI
  while (!ready() && child.exitCode === null) await sleep(20);
  act(ranks, child.pid!);
  const outcome = await ended;
  // A process that is giving back its memory has no command line any more, but still holds its locks.
  await waitFor(() => ranks.filter((pid) => isAlive({ pid, host: hostname() })), 0);
  return outcome;
}

async function waitFor(find: () => number[], count: number): Promise<number[]> {
  for (let tries = 0; tries < 200; tries++) {
    const found = find();
    if (found.length === count) return found;
    await sleep(50);
  }
  throw new Error(`there are not ${count} ranks`);
}

/** Numbers of the processes that run a command with this last word as a rank. */
function ranksOf(word: string): number[] {
  const read = (pid: string, file: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
    } catch {
      return [];
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && read(pid, 'cmdline').at(-1) === word)
    .filter((pid) => read(pid, 'environ').some((line) => /^(OMPI_COMM_WORLD_RANK|PMI_RANK)=/.test(line)))
    .map(Number);
}
