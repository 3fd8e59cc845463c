/** `tributary serve` as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { ServingInput } from '../../src/config/serving.ts';
import { ADMIN_KEY, hashed, temporaryFolder } from './support.ts';

export interface Command {
  child: ChildProcess;
  address: string;
  /** POST with the admin key, over a connection of its own. */
  ask(path: string, body: object): Promise<{ status: number; text: string }>;
  /** Gives the exit code. */
  ended: Promise<number | null>;
}

/** The command on a free port, gone after the test. `openFiles`: how many files it may open (not on Windows). */
export async function startCommand(
  folder: string,
  workers = 1,
  config: ServingInput = {},
  openFiles?: number,
): Promise<Command> {
  const file = join(temporaryFolder(), 'serving.json');
  const base = { adminKeys: [hashed('admin', ADMIN_KEY)], log: { level: 'error' } };
  writeFileSync(file, JSON.stringify({ ...base, ...config }));
  const words = ['serve', folder, '--port', '0', '--workers', String(workers), '--config', file, '--json'];
  const program = [process.execPath, resolve('bin/tributary.js'), ...words];
  const [command, ...rest] =
    openFiles === undefined ? program : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...program];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((done) => void child.once('exit', done));
  const address = await new Promise<string>((done, fail) => {
    createInterface(child.stdout).once('line', (line) => done(JSON.parse(line).address));
    void ended.then((code) => fail(new Error(`ended with code ${code}`)));
  });
  return {
    child,
    address,
    ended,
    async ask(path, body) {
      const response = await fetch(address + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close', authorization: `Bearer ${ADMIN_KEY}` },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    },
  };
}
