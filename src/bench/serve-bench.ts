/** How many requests a service answers, and how fast: `tributary serve` in a process of its own, load from this one. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { random } from '../base/random.ts';
import { type Artifact, openArtifact } from '../store/artifact/open.ts';
import { generateLoad, type LoadResult } from './load.ts';

export interface ServeBenchOptions {
  artifact: string;
  /** Items a request. */
  candidates: readonly number[];
  /** Seconds of each measurement. */
  seconds: number;
  connections: number;
  /** A file with the serving configuration. */
  config?: string;
}

export interface ServeTiming {
  candidates: number;
  load: 'max' | 'half of max';
  bodyBytes: number;
  requests: number;
  failures: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Time of processors that the service took for a request: says the same on a machine that others use, too. */
  cpuMsPerRequest: number;
}

export interface ServeBench {
  /** From the start of the process to the first answer. */
  coldStartMs: number;
  timings: ServeTiming[];
}

export async function runServeBench(
  { artifact: folder, candidates, seconds, connections, config }: ServeBenchOptions,
  onTiming: (timing: ServeTiming) => void = () => {},
): Promise<ServeBench> {
  const artifact = await openArtifact(folder);
  const began = performance.now();
  const server = await startServer(folder, config);
  try {
    const load = { host: '127.0.0.1', port: server.port, path: '/v1/rank', connections, seconds };
    await firstAnswer(server.port, drawBodies(artifact, 1, 1)[0]);
    const coldStartMs = performance.now() - began;
    const timings: ServeTiming[] = [];
    const measure = async (count: number, bodies: string[], rate?: number): Promise<ServeTiming> => {
      const before = await cpuSeconds(server.port);
      const result = await generateLoad({ ...load, bodies, rate });
      const cpuMs = 1000 * ((await cpuSeconds(server.port)) - before);
      const timing = timingOf(count, rate === undefined ? 'max' : 'half of max', bodies[0].length, result, cpuMs);
      timings.push(timing);
      onTiming(timing);
      return timing;
    };
    for (const count of candidates) {
      const bodies = drawBodies(artifact, count, 50);
      await generateLoad({ ...load, bodies, seconds: Math.min(1, seconds) }); // let it compile what is hot
      const { requestsPerSecond } = await measure(count, bodies);
      await measure(count, bodies, requestsPerSecond / 2);
    }
    return { coldStartMs, timings };
  } finally {
    await server.close();
  }
}

const timingOf = (
  candidates: number,
  load: ServeTiming['load'],
  bodyBytes: number,
  r: LoadResult,
  cpuMs: number,
): ServeTiming => ({
  candidates,
  load,
  bodyBytes,
  requests: r.requests,
  failures: r.failures,
  requestsPerSecond: r.perSecond,
  p50Ms: r.p50,
  p99Ms: r.p99,
  maxMs: r.max,
  cpuMsPerRequest: cpuMs / r.requests,
});

async function firstAnswer(port: number, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/rank`, { method: 'POST', headers, body });
  if (!answer.ok)
    throw new Error(`the service answered the first request with ${answer.status}: ${await answer.text()}`);
}

/** What the service has used of processors so far. */
async function cpuSeconds(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (.*)$/m.exec(text)?.[1]);
}

/** The command as a user starts it. */
async function startServer(folder: string, config: string | undefined) {
  const command = fileURLToPath(new URL('../../bin/tributary.js', import.meta.url));
  const words = ['serve', folder, '--port', '0', '--json', ...(config === undefined ? [] : ['--config', config])];
  const child = spawn(process.execPath, [command, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => void child.once('exit', () => done()));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).once('line', (line) => resolve((JSON.parse(line) as { port: number }).port));
    child.once('exit', (code) => reject(new Error(`tributary serve ended with code ${code}`)));
  });
  return {
    port,
    async close(): Promise<void> {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/**
 * Requests with tokens out of the vocabularies. An artifact does not say which fields belong to items: the second half of them is
 * given with every item, the first half once.
 */
function drawBodies({ manifest, encoder }: Artifact, items: number, count: number): string[] {
  const { scenarios, sequences } = manifest.data;
  // What an item calls itself is no field: a field of that name goes to the user, with the first half.
  const fields = manifest.data.fields.toSorted((a, b) => Number(b.name === 'id') - Number(a.name === 'id'));
  const generator = random('requests', 1, items);
  const tokens = new Map(fields.map(({ name }) => [name, encoder.tokens(name).slice(2)]));
  const value = (name: string): string => {
    const known = tokens.get(name) ?? [];
    return known.length === 0 ? String(generator.below(1000)) : known[generator.below(known.length)];
  };
  const half = Math.ceil(fields.length / 2);
  const values = (chosen: typeof fields): Record<string, string> =>
    Object.fromEntries(chosen.map(({ name }) => [name, value(name)]));
  const histories = sequences && {
    sequences: Object.fromEntries(
      sequences.types.map((type) => [type, Array.from({ length: sequences.length }, () => value(sequences.itemField))]),
    ),
  };
  return Array.from({ length: count }, () =>
    JSON.stringify({
      scenario: scenarios[generator.below(scenarios.length)],
      user: { ...values(fields.slice(0, half)), ...histories },
      items: Array.from({ length: items }, (_, id) => ({ id, ...values(fields.slice(half)) })),
    }),
  );
}

/** A table for people. */
export function formatServeBench({ coldStartMs, timings }: ServeBench): string {
  const head = ['candidates', 'load', 'requests/s', 'p50 ms', 'p99 ms', 'max ms', 'CPU ms each', 'failures', 'body kB'];
  const rows = timings.map((t) => [
    String(t.candidates),
    t.load,
    t.requestsPerSecond.toFixed(0),
    t.p50Ms.toFixed(2),
    t.p99Ms.toFixed(2),
    t.maxMs.toFixed(1),
    t.cpuMsPerRequest.toFixed(2),
    String(t.failures),
    (t.bodyBytes / 1000).toFixed(1),
  ]);
  const widths = head.map((_, c) => Math.max(...[head, ...rows].map((row) => row[c].length)));
  const lines = [head, ...rows].map((row) => row.map((cell, c) => cell.padStart(widths[c])).join('  '));
  return [...lines, '', `first answer ${coldStartMs.toFixed(0)} ms after the start of the process`].join('\n');
}
