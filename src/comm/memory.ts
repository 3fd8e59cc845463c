/**
 * Ranks inside one process, for tests and tools: collectives meet through promises. A call waits until all ranks made
 * their call; the last one computes the result of all.
 */
import { checkAllGather, checkAllToAll, misuse } from './check.ts';
import type { Collective, ReduceOp, Reducible, Sendable } from './contract.ts';
import { reduceInOrder } from './reduce.ts';
import { allGatherBytes, allReduceBytes, allToAllBytes, broadcastBytes, noTraffic } from './traffic.ts';

/** What a rank brings to a meeting. `shape` is what all ranks must agree on. */
type Call = { shape: string } & (
  | { kind: 'allReduce'; values: Reducible; op: ReduceOp }
  | { kind: 'allToAll'; send: Sendable; sendCounts: Int32Array; recv: Sendable; recvCounts: Int32Array }
  | { kind: 'allGather'; values: Sendable; counts: Int32Array }
  | { kind: 'broadcast'; values: Sendable; root: number }
  | { kind: 'barrier' }
  | { kind: 'close' }
);

/** The collectives of `size` ranks; index r is rank r. Run the ranks' programs concurrently: they wait for each other. */
export function memoryGroup(size: number): Collective[] {
  const { meet } = meetingPlace(size);
  return Array.from({ length: size }, (_, rank) => memberOf(meet, rank, size));
}

/**
 * Runs a program on each of `size` ranks and returns what they return, by rank. If one fails, calls of the others fail
 * with its error, as a process that dies ends all ranks.
 */
export function runRanks<Result>(size: number, program: (ranks: Collective) => Promise<Result>): Promise<Result[]> {
  const { meet, lose } = meetingPlace(size);
  const onRank = async (rank: number): Promise<Result> => {
    try {
      return await program(memberOf(meet, rank, size));
    } catch (cause) {
      lose(cause);
      throw cause;
    }
  };
  return Promise.all(Array.from({ length: size }, (_, rank) => onRank(rank)));
}

function memberOf(meet: Meet, rank: number, size: number): Collective {
  const bytesSent = noTraffic();
  return {
    rank,
    size,
    bytesSent,
    async allReduce(values, op) {
      await meet(rank, { kind: 'allReduce', values, op, shape: `allReduce ${op} of ${shapeOf(values)}` });
      bytesSent.allReduce += allReduceBytes(values.byteLength, size);
    },
    async allToAll(send, sendCounts, recv, recvCounts) {
      checkAllToAll(size, send, sendCounts, recv, recvCounts);
      const shape = `allToAll of ${send.constructor.name}`;
      await meet(rank, { kind: 'allToAll', send, sendCounts, recv, recvCounts, shape });
      bytesSent.allToAll += allToAllBytes(sendCounts, rank, send.BYTES_PER_ELEMENT);
    },
    async allGather(values, counts) {
      checkAllGather(size, values, counts);
      const shape = `allGather of ${values.constructor.name}, ${counts}`;
      await meet(rank, { kind: 'allGather', values, counts, shape });
      bytesSent.allGather += allGatherBytes(counts[rank], size, values.BYTES_PER_ELEMENT);
    },
    async broadcast(values, root) {
      await meet(rank, { kind: 'broadcast', values, root, shape: `broadcast of ${shapeOf(values)} by ${root}` });
      bytesSent.broadcast += broadcastBytes(values.byteLength, rank, root, size);
    },
    barrier: () => meet(rank, { kind: 'barrier', shape: 'barrier' }),
    idleBarrier: () => meet(rank, { kind: 'barrier', shape: 'idle barrier' }),
    close: () => meet(rank, { kind: 'close', shape: 'close' }),
  };
}

const shapeOf = (values: Sendable): string => `${values.constructor.name}[${values.length}]`;

type Meet = (rank: number, call: Call) => Promise<void>;

function meetingPlace(size: number): { meet: Meet; lose: (cause: unknown) => void } {
  let calls: (Call | undefined)[] = new Array(size).fill(undefined);
  let waiting: Waiting[] = [];
  let lost: { cause: unknown } | undefined;

  const settle = (end: (one: Waiting) => void): void => {
    const all = waiting;
    calls = new Array(size).fill(undefined);
    waiting = [];
    all.forEach(end);
  };
  const lose = (cause: unknown): void => {
    lost ??= { cause };
    settle((one) => one.reject(lost?.cause));
  };
  const meet: Meet = (rank, call) =>
    new Promise((resolve, reject) => {
      if (lost !== undefined) return reject(lost.cause);
      const other = calls.find((one) => one !== undefined && one.shape !== call.shape);
      calls[rank] = call;
      waiting.push({ resolve, reject });
      // Under MPI such ranks wait for each other without end.
      if (other !== undefined) return lose(misuse(call.shape, `${other.shape} on another rank`, 'the same on all'));
      if (waiting.length < size) return;
      try {
        carryOut(calls as Call[]);
        settle((one) => one.resolve());
      } catch (cause) {
        lose(cause);
      }
    });
  return { meet, lose };
}

interface Waiting {
  resolve: () => void;
  reject: (cause: unknown) => void;
}

/** All ranks are here: computes what each gets. */
function carryOut(calls: Call[]): void {
  const [{ kind }] = calls;
  if (kind === 'allReduce') {
    const all = calls.map((call) => call as Extract<Call, { kind: 'allReduce' }>);
    const result = reduceInOrder(all.map(({ values }) => values) as Float64Array[], all[0].op);
    for (const { values } of all) values.set(result);
  } else if (kind === 'allToAll') {
    exchange(calls.map((call) => call as Extract<Call, { kind: 'allToAll' }>));
  } else if (kind === 'allGather') {
    gather(calls.map((call) => call as Extract<Call, { kind: 'allGather' }>));
  } else if (kind === 'broadcast') {
    const all = calls.map((call) => call as Extract<Call, { kind: 'broadcast' }>);
    const { values } = all[all[0].root];
    for (const other of all) if (other.values !== values) other.values.set(values);
  }
}

function gather(calls: Extract<Call, { kind: 'allGather' }>[]): void {
  const parts = calls.map(({ values, counts }, rank) => partsOf(values, counts)[rank]);
  for (const { values } of calls) {
    let start = 0;
    for (const part of parts) {
      values.set(part, start);
      start += part.length;
    }
  }
}

function exchange(calls: Extract<Call, { kind: 'allToAll' }>[]): void {
  const sent = calls.map(({ send, sendCounts }) => partsOf(send, sendCounts));
  calls.forEach(({ recv, recvCounts }, rank) => {
    let start = 0;
    for (const [other, parts] of sent.entries()) {
      const part = parts[rank];
      if (part.length !== recvCounts[other])
        throw misuse('allToAll', `rank ${other} sends ${part.length} to rank ${rank}`, `${recvCounts[other]}`);
      recv.set(part, start);
      start += part.length;
    }
  });
}

function partsOf(values: Sendable, counts: Int32Array): Sendable[] {
  let end = 0;
  return Array.from(counts, (count) => {
    end += count;
    return values.slice(end - count, end);
  });
}
