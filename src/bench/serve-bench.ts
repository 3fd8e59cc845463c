/**
 * How many requests a service answers, and how fast: `tributary serve` in a process of its own, load from this one.
 *
 * An echo server of the same bodies takes turns with it. On a machine that others use, and on virtual machines most of all,
 * latencies tell more about the machine than about the service; their ratio to those of the echo server does not. A service that
 * logs all events, and one that runs experiments, take turns with both, if asked for.
 */
import { type Artifact, openArtifact } from '../store/artifact/open.ts';
import { type Answering, type EchoServer, startEcho, startServices } from './serve-processes.ts';
import { drawBodies, unitOf } from './serve-requests.ts';
import { type Load, type Measured, measureInTurn, type Ratio, type Ratios, ratiosOf, type Turns } from './turns.ts';

export interface ServeBenchOptions {
  artifact: string;
  /** Items of a request; several numbers are measured one after the other. */
  candidates: readonly number[];
  /** Seconds of each measurement. */
  seconds: number;
  connections: number;
  /** A file with the serving configuration. */
  config?: string;
  /** Fields that requests do not send, since the service has them in its tables. Default: none. */
  leaveOut?: readonly string[];
  /** Also measure a service that logs all events. */
  events?: boolean;
  /** Also measure a service with so many experiments, of which each request takes part in one. */
  experiments?: number;
}

/** The service, and the echo server under the same load. */
export interface ServeTiming extends Measured {
  candidates: number;
  /** `half of max`: requests are due at half the rate that the service reached, at both servers. */
  load: 'max' | 'half of max';
  bodyBytes: number;
  answerBytes: number;
  echo: Measured;
  /** The same service logging all events, if asked for, and its numbers over those of the service. */
  logging?: Measured & { ratios: Ratios };
  /** The same with experiments. */
  experiments?: Measured & { ratios: Ratios };
  /** The service's number over that of the echo server. */
  ratios: Ratios;
}

export interface ServeBench {
  /** From the start of the process to the first answer. */
  coldStartMs: number;
  timings: ServeTiming[];
}

/** Bodies that are sent in turn. */
const BODIES = 50;

export async function runServeBench(
  { artifact: folder, config, events, experiments = 0, ...options }: ServeBenchOptions,
  onTiming: (timing: ServeTiming) => void = () => {},
): Promise<ServeBench> {
  const artifact = await openArtifact(folder);
  const services = await startServices(folder, config, {
    withLog: events === true,
    experiments: dividedExperiments(artifact, experiments, options.leaveOut),
  });
  const { silent: service, logging, startMs } = services;
  const variants = { logging, experiments: services.experiments };
  try {
    const began = performance.now();
    await answerOf(service, drawBodies(artifact, 1, 1, options.leaveOut)[0]);
    const coldStartMs = startMs + performance.now() - began;
    const echo = await startEcho();
    try {
      const timings: ServeTiming[] = [];
      for await (const timing of timingsOf({ artifact, service, echo, variants, ...options })) {
        timings.push(timing);
        onTiming(timing);
      }
      return { coldStartMs, timings };
    } finally {
      await echo.close();
    }
  } finally {
    await services.close();
  }
}

/** Services that are configured otherwise. */
interface Variants {
  logging?: Answering;
  experiments?: Answering;
}

interface Bench extends Omit<ServeBenchOptions, 'artifact' | 'config' | 'events' | 'experiments'> {
  artifact: Artifact;
  service: Answering;
  echo: EchoServer;
  variants: Variants;
}

/** For each number of candidates as many requests as are answered, then half as many. */
async function* timingsOf({ artifact, service, echo, variants, ...options }: Bench): AsyncGenerator<ServeTiming> {
  const { candidates, seconds, connections, leaveOut } = options;
  const { logging, experiments } = variants;
  const servers = [service, echo, ...[logging, experiments].filter((server) => server !== undefined)];
  const timed = async (load: Load) => timingOf(await measureInTurn(servers, load), variants);
  for (const count of candidates) {
    const bodies = drawBodies(artifact, count, BODIES, leaveOut);
    const answer = await answerOf(service, bodies[0]);
    await echo.setAnswer(JSON.parse(answer));
    const load: Load = { bodies, connections, seconds };
    // Until what runs often is compiled.
    await measureInTurn(servers, { ...load, seconds: Math.min(1, seconds) });
    const sizes = { candidates: count, bodyBytes: bodies[0].length, answerBytes: answer.length };
    const max = await timed(load);
    yield { ...sizes, load: 'max', ...max };
    const half = { ...load, rate: max.requestsPerSecond / 2 };
    yield { ...sizes, load: 'half of max', ...(await timed(half)) };
  }
}

function timingOf(
  [service, echo, ...others]: Turns[],
  variants: Variants,
): Measured & Pick<ServeTiming, 'echo' | 'logging' | 'experiments' | 'ratios'> {
  const next = (server: Answering | undefined): ServeTiming['logging'] => {
    const turns = server && others.shift();
    return turns && { ...turns.total, ratios: ratiosOf(turns, service) };
  };
  const [logging, experiments] = [next(variants.logging), next(variants.experiments)];
  return {
    ...service.total,
    echo: echo.total,
    ...(logging && { logging }),
    ...(experiments && { experiments }),
    ratios: ratiosOf(service, echo),
  };
}

/** Experiments that divide the units between them: each request takes part in one, and all have the model's own score. */
function dividedExperiments(artifact: Artifact, count: number, leaveOut?: readonly string[]): object[] {
  const unit = unitOf(artifact, leaveOut);
  const score = artifact.manifest.score.default;
  return Array.from({ length: count }, (_, i) => ({
    key: `bench-${i}`,
    unit,
    arms: { control: {}, treatment: { score } },
    namespace: { name: 'bench', range: [i / count, (i + 1) / count] },
  }));
}

async function answerOf({ port, path }: Answering, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the service answered the first request with ${answer.status}: ${text}`);
  return text;
}

/** Tables for people. */
export function formatServeBench({ coldStartMs, timings }: ServeBench): string {
  const head = ['candidates', 'load', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'max ms', 'CPU ms each', 'failures'];
  const rows = timings.flatMap((timing) => {
    const { candidates, load, echo, logging, experiments, ratios } = timing;
    const where = [String(candidates), load];
    return [
      [...where, 'service', ...cells(timing)],
      [...where, 'echo', ...cells(echo)],
      [...where, 'ratio', ...ratioCells(ratios)],
      ...Object.entries({ logging, experiments }).flatMap(([name, variant]) =>
        variant === undefined
          ? []
          : [
              [...where, name, ...cells(variant)],
              [...where, 'over service', ...ratioCells(variant.ratios)],
            ],
      ),
    ];
  });
  const widths = head.map((_, c) => Math.max(...[head, ...rows].map((row) => row[c].length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, c) => cell.padStart(widths[c]))
      .join('  ')
      .trimEnd(),
  );
  const sizes = timings
    .filter(({ load }) => load === 'max')
    .map(({ candidates, bodyBytes, answerBytes }) => `${candidates}: ${kB(bodyBytes)} and ${kB(answerBytes)}`);
  return [
    ...lines,
    '',
    `kB of a body and of its answer, by candidates: ${sizes.join('; ')}`,
    `first answer ${coldStartMs.toFixed(0)} ms after the start of the process`,
  ].join('\n');
}

const cells = (measured: Measured): string[] => [
  measured.requestsPerSecond.toFixed(0),
  measured.p50Ms.toFixed(2),
  measured.p99Ms.toFixed(2),
  measured.maxMs.toFixed(1),
  measured.cpuMsPerRequest.toFixed(2),
  String(measured.failures),
];

const ratioCells = ({ requestsPerSecond, p50, p99, cpuMsPerRequest }: Ratios): string[] => [
  ...[requestsPerSecond, p50, p99].map(ratioCell),
  '',
  ratioCell(cpuMsPerRequest),
  '',
];

const ratioCell = ({ estimate, low, high }: Ratio): string =>
  `${estimate.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;

const kB = (bytes: number): string => (bytes / 1000).toFixed(1);
