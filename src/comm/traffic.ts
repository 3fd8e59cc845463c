/** Bytes that collectives send: the counters of a rank, and what each call adds to them. */

/** Payload in bytes, by collective; what stays on a rank does not count. */
export interface Traffic {
  allReduce: number;
  allToAll: number;
  allGather: number;
  broadcast: number;
}

export const noTraffic = (): Traffic => ({ allReduce: 0, allToAll: 0, allGather: 0, broadcast: 0 });

/**
 * What one rank sends in an allReduce of `bytes`, by algorithms that send as little as possible: its share of the sums to
 * each owner, then the owned sums to each rank (Thakur, Rabenseifner and Gropp 2005, "Optimization of Collective
 * Communication Operations in MPICH", section 4).
 */
export const allReduceBytes = (bytes: number, size: number): number => (2 * bytes * (size - 1)) / size;

/** What one rank sends in an allToAll: all but the part that it keeps. `counts` in elements of `width` bytes. */
export function allToAllBytes(counts: Int32Array, rank: number, width: number): number {
  let elements = 0;
  for (let other = 0; other < counts.length; other++) if (other !== rank) elements += counts[other];
  return elements * width;
}

/** What one rank sends in an allGather: its part, `count` elements of `width` bytes, to each other rank. */
export const allGatherBytes = (count: number, size: number, width: number): number => count * width * (size - 1);

/** What one rank sends in a broadcast: each rank but the root gets the bytes once; all of it counts for the root. */
export const broadcastBytes = (bytes: number, rank: number, root: number, size: number): number =>
  rank === root ? bytes * (size - 1) : 0;
