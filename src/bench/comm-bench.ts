/** How fast ranks exchange numbers: what a step over ranks adds to the time of its own work. */
import type { Collective } from '../comm/contract.ts';
import { openCollective } from '../comm/open.ts';
import { allReduceBytes } from '../comm/traffic.ts';
import { median } from './clock.ts';

interface CommTiming {
  collective: 'allReduce' | 'allToAll';
  /** Of the values to sum, or of all that a rank sends and keeps. */
  bytes: number;
  /** Median over calls of the time of the slowest rank, in microseconds. */
  microseconds: number;
  /** Of the fastest call: what a machine with other work would take alone. */
  minMicroseconds: number;
  /** What one rank sends to others by the model of cost, per second of the fastest call. */
  gigabytesPerSecond: number;
}

export interface CommBench {
  ranks: number;
  timings: CommTiming[];
}

interface CommBenchOptions {
  /** Bytes of the values; default from 4 to 16 MiB. */
  sizes?: readonly number[];
  /** Calls of each size. */
  calls: number;
}

const SIZES = [4, 1024, 65_536, 2 ** 20, 4 * 2 ** 20, 16 * 2 ** 20];

/** Runs on every rank; all get the same times. */
export async function runCommBench({ sizes = SIZES, calls }: CommBenchOptions): Promise<CommBench> {
  const ranks = await openCollective();
  const timings: CommTiming[] = [];
  for (const bytes of sizes) {
    const length = Math.max(1, Math.floor(bytes / 4));
    timings.push(await timeReduce(ranks, length, calls), await timeExchange(ranks, length, calls));
  }
  await ranks.close();
  return { ranks: ranks.size, timings };
}

async function timeReduce(ranks: Collective, length: number, calls: number): Promise<CommTiming> {
  const values = new Float32Array(length);
  const times = await timeCalls(ranks, calls, () => ranks.allReduce(values, 'sum'));
  return timing('allReduce', values.byteLength, allReduceBytes(values.byteLength, ranks.size), times);
}

/** Each rank sends an equal part to each. */
async function timeExchange(ranks: Collective, length: number, calls: number): Promise<CommTiming> {
  const part = Math.ceil(length / ranks.size);
  const [send, recv] = [new Float32Array(part * ranks.size), new Float32Array(part * ranks.size)];
  const counts = new Int32Array(ranks.size).fill(part);
  const times = await timeCalls(ranks, calls, () => ranks.allToAll(send, counts, recv, counts));
  return timing('allToAll', send.byteLength, part * 4 * (ranks.size - 1), times);
}

function timing(collective: CommTiming['collective'], bytes: number, sent: number, times: number[]): CommTiming {
  const [microseconds, minMicroseconds] = [
    1000 * median(times),
    1000 * times.reduce((least, time) => Math.min(least, time)),
  ];
  return { collective, bytes, microseconds, minMicroseconds, gigabytesPerSecond: sent / (minMicroseconds * 1000) };
}

/** Milliseconds of each call. Ranks begin it together; the slowest counts. Calls before are not timed: buffers and connections are made then. */
async function timeCalls(ranks: Collective, calls: number, call: () => Promise<void>): Promise<number[]> {
  const times = new Float64Array(calls);
  for (let i = -Math.ceil(calls / 4); i < calls; i++) {
    await ranks.barrier();
    const started = performance.now();
    await call();
    if (i >= 0) times[i] = performance.now() - started;
  }
  await ranks.allReduce(times, 'max');
  return [...times];
}
