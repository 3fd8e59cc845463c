/**
 * Collectives by MPI. Calls are synchronous: this thread waits inside MPI. Float sums over more than two ranks are
 * our own (each rank sums a part of the values, in the order of ranks): MPI leaves the order to the implementation, so bits
 * could differ between implementations, sizes and networks (MPI 3.1, section 5.9.1, advice to implementors).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { error } from '../base/errors/index.ts';
import { checkAllGather, checkAllToAll, misuse } from './check.ts';
import type { Collective, Reducible, Sendable } from './contract.ts';
import { launched } from './launched.ts';
import { loadMpi, type Mpi, type Parts } from './mpi-library.ts';
import { sumParts } from './reduce.ts';
import { allGatherBytes, allReduceBytes, allToAllBytes, broadcastBytes, noTraffic } from './traffic.ts';

/** Below this size, one exchange of all values is faster than two of parts. */
const SMALL_BYTES = 4096;

/** How often an idle barrier looks, in ms. */
const POLL = 20;

/** Counts of MPI are C ints; a broadcast is cut into pieces of bytes that fit. */
const PIECE_BYTES = 2 ** 30;

/**
 * Joins the ranks that a launcher started; without a launcher, one rank alone. Once per process: MPI cannot be joined again.
 * The same thread must make all calls, `close` too.
 *
 * @throws KOFFI_MISSING, MPI_LIBRARY_MISSING, RANKS_MISMATCH, MPI_FAILED
 */
export async function mpiCollective(): Promise<Collective & { version: string }> {
  const mpi = await loadMpi();
  mpi.init();
  const [rank, size] = [mpi.rank(), mpi.size()];
  const expected = launched()?.size ?? 1;
  if (size !== expected) throw error('RANKS_MISMATCH', { size, expected, version: mpi.version });
  const bytesSent = noTraffic();
  const reduce = reducer(mpi, rank, size);
  return {
    rank,
    size,
    bytesSent,
    version: mpi.version,
    async allReduce(values, op) {
      if (size === 1 || values.length === 0) return;
      if (op === 'sum' && size > 2 && !(values instanceof Int32Array)) reduce(values);
      else mpi.allreduce(mpi.inPlace, values, values.length, typeOf(mpi, values), mpi.handles[op]);
      bytesSent.allReduce += allReduceBytes(values.byteLength, size);
    },
    async allToAll(send, sendCounts, recv, recvCounts) {
      checkAllToAll(size, send, sendCounts, recv, recvCounts);
      mpi.alltoallv(send, partsOf(sendCounts), recv, partsOf(recvCounts), typeOf(mpi, send));
      bytesSent.allToAll += allToAllBytes(sendCounts, rank, send.BYTES_PER_ELEMENT);
    },
    async allGather(values, counts) {
      checkAllGather(size, values, counts);
      const { starts } = partsOf(counts);
      mpi.allgatherv(mpi.inPlace, counts[rank], typeOf(mpi, values), values, counts, starts);
      bytesSent.allGather += allGatherBytes(counts[rank], size, values.BYTES_PER_ELEMENT);
    },
    async broadcast(values, root) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
        const piece = bytes.subarray(start, start + PIECE_BYTES);
        mpi.bcast(piece, piece.length, mpi.handles.byte, root);
      }
      bytesSent.broadcast += broadcastBytes(values.byteLength, rank, root, size);
    },
    async barrier() {
      mpi.barrier();
    },
    async idleBarrier() {
      const areAllHere = mpi.startBarrier();
      while (!areAllHere()) await sleep(POLL);
    },
    async close() {
      mpi.finalize();
    },
  };
}

/** Sums in the order of ranks: with two of them, a + b = b + a, so that MPI's own sum does. */
function reducer(mpi: Mpi, rank: number, size: number): (values: Float32Array | Float64Array) => void {
  let scratch = new ArrayBuffer(0);
  const scratchLike = <A extends Reducible>(values: A, length: number): A => {
    const bytes = length * values.BYTES_PER_ELEMENT;
    if (scratch.byteLength < bytes) scratch = new ArrayBuffer(bytes);
    return new (values.constructor as new (buffer: ArrayBuffer, start: number, length: number) => A)(
      scratch,
      0,
      length,
    );
  };
  return (values) => {
    const type = typeOf(mpi, values);
    if (values.byteLength <= SMALL_BYTES) {
      const all = scratchLike(values, values.length * size);
      mpi.allgather(values, values.length, type, all);
      sumParts(all, values);
      return;
    }
    const parts = partsOf(evenCounts(values.length, size));
    const own = parts.counts[rank];
    const received = scratchLike(values, own * size);
    mpi.alltoallv(values, parts, received, partsOf(new Int32Array(size).fill(own)), type);
    sumParts(received, values.subarray(parts.starts[rank], parts.starts[rank] + own));
    mpi.allgatherv(mpi.inPlace, own, type, values, parts.counts, parts.starts);
  };
}

/** Parts whose sizes differ by at most 1. */
function evenCounts(length: number, size: number): Int32Array {
  const start = (rank: number): number => Math.floor((length * rank) / size);
  return Int32Array.from({ length: size }, (_, rank) => start(rank + 1) - start(rank));
}

/** @throws COLLECTIVE_MISUSED where a start is beyond C's int */
function partsOf(counts: Int32Array): Parts {
  const starts = new Int32Array(counts.length);
  let start = 0;
  for (const [rank, count] of counts.entries()) {
    starts[rank] = start;
    start += count;
  }
  if (start > 2 ** 31 - 1)
    throw misuse('allToAll', `${start} elements`, 'at most 2^31 - 1: send them in several calls');
  return { counts, starts };
}

function typeOf({ handles }: Mpi, values: Sendable): Mpi['handles'][keyof Mpi['handles']] {
  if (values instanceof Float32Array) return handles.float;
  if (values instanceof Float64Array) return handles.double;
  if (values instanceof Int32Array) return handles.int;
  return values instanceof Uint32Array ? handles.unsigned : handles.byte;
}
