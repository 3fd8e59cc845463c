/** `tributary serve` as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { ServingInput } from '../../src/config/serving.ts';
import { ADMIN_KEY, hashed, temporaryFolder } from './support.ts';

export interface Command {
  child: ChildProcess;
  address: string;
  /** POST, or GET without a body, with the admin key, over a connection of its own. */
  ask(path: string, body?: object): Promise<{ status: number; text: string }>;
  /** What came on stderr so far. */
  log(): string;
  /** Gives the exit code. */
  ended: Promise<number | null>;
}

interface Surroundings {
  /** How many files it may open (not on Windows). */
  openFiles?: number;
  /** A file descriptor for its log. Default: a pipe that is read. */
  stderr?: number;
  /** Default: a free one. */
  port?: number;
}

/** The command on a free port, gone after the test with its workers. */
export async function startCommand(
  folder: string,
  workers = 1,
  config: ServingInput = {},
  { openFiles, stderr, port = 0 }: Surroundings = {},
): Promise<Command> {
  const file = join(temporaryFolder(), 'serving.json');
  const base = { adminKeys: [hashed('admin', ADMIN_KEY)], log: { level: 'error' } };
  writeFileSync(file, JSON.stringify({ ...base, ...config }));
  const words = ['serve', folder, '--port', String(port), '--workers', String(workers), '--config', file, '--json'];
  const program = [process.execPath, resolve('bin/tributary.js'), ...words];
  const [command, ...rest] =
    openFiles === undefined ? program : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...program];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', stderr ?? 'pipe'] });
  let log = '';
  child.stderr?.on('data', (data) => {
    log += data;
  });
  onTestFinished(() => {
    const workerPids = child.exitCode === null ? workersOf(child) : [];
    child.kill('SIGKILL');
    for (const pid of workerPids) signal(pid, 'SIGKILL'); // one that is stopped would not notice
  });
  const ended = new Promise<number | null>((done) => void child.once('exit', done));
  const address = await new Promise<string>((done, fail) => {
    createInterface(child.stdout as Readable).once('line', (line) => {
      const { address } = JSON.parse(line);
      if (address === undefined) fail(new Error(`started with ${line}`));
      else done(address);
    });
    void ended.then((code) => fail(new Error(`ended with code ${code}`)));
  });
  return {
    child,
    address,
    ended,
    log: () => log,
    async ask(path, body) {
      const response = await fetch(address + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          connection: 'close',
          authorization: `Bearer ${ADMIN_KEY}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        body: body && JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    },
  };
}

/** Process numbers of the workers, or none where the command has ended. */
export function workersOf({ pid }: ChildProcess): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Sends a signal to a process that may be gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone
  }
}

/** Fails after `seconds`, with what `state` then says. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  seconds = 30,
  state: () => string = () => '',
): Promise<void> {
  for (let i = 0; i < seconds * 10; i++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`it never came to that within ${seconds} s\n${state()}`);
}
