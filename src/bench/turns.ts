/**
 * Servers measured in turns. Who else uses a machine changes from second to second, so each round measures all servers within a
 * short time, every other one in reverse, and compares them within the round: the medians of these ratios hold where the
 * numbers themselves do not.
 */
import { generateLoad, type LoadOptions, type LoadResult } from './load.ts';
import type { Answering } from './serve-processes.ts';

/** What a server did under a load. */
export interface Measured {
  requests: number;
  failures: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Processor time of the server for a request: hardly depends on who else uses the machine. */
  cpuMsPerRequest: number;
}

export interface Ratio {
  /** Of the rounds. */
  median: number;
  /** The 95 % interval of the median; of fewer than six rounds all that was found. */
  low: number;
  high: number;
}

/** Of one server to another. */
export interface Ratios {
  requestsPerSecond: Ratio;
  p50: Ratio;
  p99: Ratio;
  cpuMsPerRequest: Ratio;
}

export interface Turns {
  /** In all rounds together. */
  total: Measured;
  rounds: Measured[];
}

export type Load = Omit<LoadOptions, 'host' | 'port' | 'path'>;

/** Seconds of load on one server before the next one has its turn. */
const TURN_SECONDS = 0.5;
/** What a server does after its last answer, such as writing a log, belongs to its turn. */
const REST_MS = 100;

/** Each server under the load for `load.seconds`. */
export async function measureInTurn(servers: readonly Answering[], load: Load): Promise<Turns[]> {
  const rounds = Math.max(1, Math.round(load.seconds / TURN_SECONDS));
  const turns = servers.map((server) => ({ server, taken: [] as Turn[] }));
  for (let round = 0; round < rounds; round++)
    for (const { server, taken } of round % 2 === 0 ? turns : turns.toReversed())
      taken.push(await takeTurn(server, { ...load, seconds: load.seconds / rounds }));
  return turns.map(({ taken }) => ({ total: summary(taken), rounds: taken.map((turn) => summary([turn])) }));
}

interface Turn {
  result: LoadResult;
  cpuSeconds: number;
}

async function takeTurn(server: Answering, load: Load): Promise<Turn> {
  const before = await server.cpuSeconds();
  const result = await generateLoad({ ...load, host: '127.0.0.1', port: server.port, path: server.path });
  await new Promise((done) => setTimeout(done, REST_MS));
  return { result, cpuSeconds: (await server.cpuSeconds()) - before };
}

function summary(turns: readonly Turn[]): Measured {
  const latencies = Float64Array.from(turns.flatMap(({ result }) => result.latencies)).sort();
  const sum = (of: (turn: Turn) => number): number => turns.reduce((total, turn) => total + of(turn), 0);
  const requests = latencies.length;
  const quantile = (q: number): number => latencies[Math.min(requests - 1, Math.floor(q * requests))] ?? Number.NaN;
  return {
    requests,
    failures: sum(({ result }) => result.failures),
    requestsPerSecond: requests / sum(({ result }) => result.seconds),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    cpuMsPerRequest: (1000 * sum(({ cpuSeconds }) => cpuSeconds)) / requests,
  };
}

/** One server over another, round by round. */
export function ratiosOf({ rounds: ones }: Turns, { rounds: others }: Turns): Ratios {
  const ratio = (of: (measured: Measured) => number): Ratio => medianOf(ones.map((one, i) => of(one) / of(others[i])));
  return {
    requestsPerSecond: ratio((measured) => measured.requestsPerSecond),
    p50: ratio(({ p50Ms }) => p50Ms),
    p99: ratio(({ p99Ms }) => p99Ms),
    cpuMsPerRequest: ratio(({ cpuMsPerRequest }) => cpuMsPerRequest),
  };
}

/**
 * The median, and its interval by the sign test: the number of values below the true median is binomial, whatever their
 * distribution.
 */
export function medianOf(values: readonly number[]): Ratio {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  let outside = 0; // values left out at each end
  for (let chance = 0.5 ** n, sum = chance; sum <= 0.025; sum += chance) {
    outside++;
    chance *= (n - outside + 1) / outside;
  }
  const cut = Math.max(outside - 1, 0);
  const median = (sorted[Math.floor((n - 1) / 2)] + sorted[Math.ceil((n - 1) / 2)]) / 2;
  return { median, low: sorted[cut], high: sorted[n - 1 - cut] };
}
