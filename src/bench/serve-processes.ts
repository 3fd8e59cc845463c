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

/** The same service as it is configured, with a log of its answers, and with experiments. */
interface Services {
  silent: Answering;
  logging?: Answering;
  experiments?: Answering;
  /** From the start of the silent one until it listens, milliseconds. */
  startMs: number;
  close(): Promise<void>;
}

/** A server keeps these after the bench. */
const BENCH_LOG = { table: 'tributary_bench', stream: 'tributary:bench' };

/**
 * `tributary serve` on free ports. Answers of a bench get into no log of the configuration: a folder of segments is one that is
 * gone afterwards, a server has a table or stream for the bench.
 */
export async function startServices(
  artifact: string,
  config: string | undefined,
  { withLog, experiments }: { withLog: boolean; experiments: object[] },
): Promise<Services> {
  const { events, exploration, experimentsFile: _, ...rest } = await loadServing(config);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const started: Answering[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.close()));
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (name: string, serving: object): Promise<Answering> => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(serving));
    const service = await startService(artifact, file);
    started.push(service);
    return service;
  };
  try {
    const began = performance.now();
    const silent = await start('silent', rest);
    const startMs = performance.now() - began;
    const own = events !== undefined && events.sink !== 'segments' ? BENCH_LOG : { folder: join(folder, 'events') };
    const logging = withLog
      ? await start('logging', { ...rest, exploration, events: { ...events, ...own } })
      : undefined;
    const assigning = experiments.length > 0 ? await start('experiments', { ...rest, experiments }) : undefined;
    return { silent, logging, experiments: assigning, startMs, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function startService(artifact: string, config: string): Promise<Answering> {
  const command = fileURLToPath(new URL('../../bin/tributary.js', import.meta.url));
  const words = ['serve', artifact, '--port', '0', '--json', '--config', config];
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
