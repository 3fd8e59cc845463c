/** Runs the program's commands, for the studies in this folder. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../bin/tributary.js', import.meta.url));

/** Runs a command; gives the last line that it printed. */
export function tributary(...words) {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(`tributary ${words.join(' ')} ended with code ${status}`);
  return stdout.trim().split('\n').at(-1);
}
