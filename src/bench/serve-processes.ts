/** The two processes that `bench serve` measures: the service as a user starts it, and the echo server. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadServing } from '../config/load-serving.ts';

/** A process that answers POST requests at `path`. */
export interface Answering {
  port: number;
  path: string;
  /** Processor time of the process so far, seconds. */
  cpuSeconds(): Promise<number>;
  close(): Promise<void>;
}

/** `tributary serve` on a free port. */
export async function startService(artifact: string, config: string | undefined): Promise<Answering> {
  const command = fileURLToPath(new URL('../../bin/tributary.js', import.meta.url));
  const words = ['serve', artifact, '--port', '0', '--json', ...(config === undefined ? [] : ['--config', config])];
  const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => void child.once('exit', () => done()));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).once('line', (line) => resolve((JSON.parse(line) as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`tributary serve ended with code ${code}`)));
  });
  return {
    port,
    path: '/v1/rank',
    async cpuSeconds() {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(/^process_cpu_seconds_total (.*)$/m.exec(text)?.[1]);
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The same, logging all events into a folder that is gone afterwards. */
export async function startLogging(artifact: string, config: string | undefined): Promise<Answering> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const file = join(folder, 'serving.json');
    const events = { folder: join(folder, 'events') };
    writeFileSync(file, JSON.stringify({ ...(await loadServing(config)), events }));
    const service = await startService(artifact, file);
    return { ...service, close: () => service.close().finally(remove) };
  } catch (cause) {
    remove();
    throw cause;
  }
}

export interface EchoServer extends Answering {
  /** Answers all requests with this value from now on. */
  setAnswer(answer: unknown): Promise<void>;
}

export async function startEcho(): Promise<EchoServer> {
  const child = fork(fileURLToPath(new URL('./echo-server.js', import.meta.url)));
  const ended = once(child, 'exit');
  const started = await Promise.race([once(child, 'message'), ended]);
  const { port } = started[0] as { port: number };
  if (port === undefined) throw new Error(`the echo server ended with code ${started[0]}`);
  const address = `http://127.0.0.1:${port}`;
  return {
    port,
    path: '/echo',
    async setAnswer(answer) {
      const headers = { 'content-type': 'application/json' };
      await fetch(`${address}/answer`, { method: 'PUT', headers, body: JSON.stringify(answer) });
    },
    async cpuSeconds() {
      return ((await (await fetch(`${address}/cpu`)).json()) as { seconds: number }).seconds;
    },
    async close() {
      child.disconnect();
      await ended;
    },
  };
}
