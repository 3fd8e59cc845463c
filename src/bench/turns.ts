/**
 * Servers measured in turns. Who else uses a machine changes from second to second, so each round measures all servers within a
 * short time, every other one in reverse, and compares them within the round: the medians of these ratios hold where the
 * numbers themselves do not. A round has too few requests for a 99th percentile: that one is taken over all rounds.
 */
import { random } from '../base/random.ts';
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
  estimate: number;
  /** The 95 % interval. */
  low: number;
  high: number;
}

/** Of one server to another. */
export interface Ratios {
  /** Medians over the rounds. */
  requestsPerSecond: Ratio;
  p50: Ratio;
  /** Of all requests together; its interval by drawing rounds again. */
  p99: Ratio;
  cpuMsPerRequest: Ratio;
}

export interface Turns {
  /** In all rounds together. */
  total: Measured;
  rounds: Measured[];
  /** Of each round, milliseconds. */
  latencies: readonly number[][];
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
  return turns.map(({ taken }) => ({
    total: summary(taken),
    rounds: taken.map((turn) => summary([turn])),
    latencies: taken.map(({ result }) => result.latencies),
  }));
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
export function ratiosOf(one: Turns, other: Turns): Ratios {
  const ratio = (of: (measured: Measured) => number): Ratio =>
    medianOf(one.rounds.map((round, i) => of(round) / of(other.rounds[i])));
  return {
    requestsPerSecond: ratio((measured) => measured.requestsPerSecond),
    p50: ratio(({ p50Ms }) => p50Ms),
    p99: quantileRatio(one.latencies, other.latencies, 0.99),
    cpuMsPerRequest: ratio(({ cpuMsPerRequest }) => cpuMsPerRequest),
  };
}

/**
 * The median, and its interval by the sign test: the number of values below the true median is binomial, whatever their
 * distribution. Of fewer than six values the interval is all that was found.
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
  const estimate = (sorted[Math.floor((n - 1) / 2)] + sorted[Math.ceil((n - 1) / 2)]) / 2;
  return { estimate, low: sorted[cut], high: sorted[n - 1 - cut] };
}

interface Sample {
  /** Falling. */
  values: Float64Array;
  /** Place of the round of each value. */
  rounds: Uint32Array;
  /** Number of values of each round. */
  counts: number[];
}

/**
 * Quantile q of all values of some rounds over that of others. Its interval is the middle 95 % of what the same rounds, drawn with
 * replacement, give: whole rounds, since neighbours in time are alike, and both servers' together.
 */
export function quantileRatio(ones: readonly number[][], others: readonly number[][], q: number, draws = 2000): Ratio {
  const [one, other] = [sampleOf(ones), sampleOf(others)];
  const each = new Uint32Array(ones.length).fill(1);
  const generator = random('rounds');
  const drawn = Float64Array.from({ length: draws }, () => {
    const times = new Uint32Array(ones.length);
    for (let i = 0; i < times.length; i++) times[generator.below(times.length)]++;
    return weightedQuantile(one, times, q) / weightedQuantile(other, times, q);
  }).sort();
  return {
    estimate: weightedQuantile(one, each, q) / weightedQuantile(other, each, q),
    low: drawn[Math.floor(0.025 * draws)],
    high: drawn[Math.ceil(0.975 * draws) - 1],
  };
}

function sampleOf(rounds: readonly number[][]): Sample {
  const all = rounds.flatMap((values, round) => values.map((value) => ({ value, round })));
  all.sort((a, b) => b.value - a.value);
  return {
    values: Float64Array.from(all, ({ value }) => value),
    rounds: Uint32Array.from(all, ({ round }) => round),
    counts: rounds.map(({ length }) => length),
  };
}

/** Of the values, each as many times as its round. Walks down from the largest: q is near 1. */
function weightedQuantile({ values, rounds, counts }: Sample, times: Uint32Array, q: number): number {
  const total = counts.reduce((sum, count, round) => sum + count * times[round], 0);
  let above = total - Math.min(total - 1, Math.floor(q * total));
  let i = 0;
  for (; i < values.length - 1; i++) {
    above -= times[rounds[i]];
    if (above <= 0) break;
  }
  return values[i] ?? Number.NaN;
}
