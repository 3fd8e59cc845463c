/**
 * Ranks: processes that train one model together. A collective is called by all ranks, in the same order and with the
 * same shapes; it returns when this rank has its result. The vocabulary is MPI's (MPI 3.1, chapter 5).
 */
import type { Traffic } from './traffic.ts';

/** Numbers that can be summed over ranks. */
export type Reducible = Float32Array | Float64Array | Int32Array;

/** What can be sent: bytes go as they are. */
export type Sendable = Reducible | Uint32Array | Uint8Array;

/** `max` of values that include NaN is not defined; a sum with NaN is NaN on all ranks. */
export type ReduceOp = 'sum' | 'max';

export interface Collective {
  /** 0 <= rank < size. Rank 0 writes files and shows progress. */
  readonly rank: number;
  readonly size: number;
  /** Payload that this rank sent to others since it joined, in bytes. */
  readonly bytesSent: Readonly<Traffic>;

  /** Replaces the values by their sum or max over ranks. Sums are in the order of ranks: all ranks get the same bits. */
  allReduce(values: Reducible, op: ReduceOp): Promise<void>;

  /**
   * Each rank sends a part of `send` to each rank (MPI_Alltoallv): `sendCounts[r]` elements to rank r, parts contiguous
   * and in the order of ranks; `recv` is filled alike. Rank a's `sendCounts[b]` must be rank b's `recvCounts[a]`.
   */
  allToAll<A extends Sendable>(send: A, sendCounts: Int32Array, recv: A, recvCounts: Int32Array): Promise<void>;

  /**
   * Gives each rank's part to all ranks (MPI_Allgatherv): part r of `values` has `counts[r]` elements; parts are contiguous and in the
   * order of ranks, and each rank brings its own, in its place.
   */
  allGather(values: Sendable, counts: Int32Array): Promise<void>;

  /** Copies the values of rank `root` into those of all ranks. */
  broadcast(values: Sendable, root: number): Promise<void>;

  /** Returns once all ranks are here. */
  barrier(): Promise<void>;

  /**
   * The same where a rank may wait for long: MPI waits by spinning, which takes a core from the others; this one sleeps between looks, and
   * events of the process go on.
   */
  idleBarrier(): Promise<void>;

  /** Leaves, once all ranks are here. A rank that failed must not call it: its process ends, and MPI ends the others. */
  close(): Promise<void>;
}
