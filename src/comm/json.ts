/** JSON values over ranks. */
import type { Collective } from './contract.ts';

/** The JSON value of rank 0, on all ranks; others give undefined. */
export async function shareJson<T>(ranks: Collective, value: T | undefined): Promise<T> {
  if (ranks.size === 1) return value as T;
  const own = ranks.rank === 0 ? Buffer.from(JSON.stringify(value)) : undefined;
  const length = Int32Array.of(own?.length ?? 0);
  await ranks.broadcast(length, 0);
  const bytes = new Uint8Array(length[0]);
  if (own !== undefined) bytes.set(own);
  await ranks.broadcast(bytes, 0);
  return JSON.parse(Buffer.from(bytes).toString()) as T;
}

/** The JSON values of all ranks, by rank, on all ranks. */
export async function gatherJson<T>(ranks: Collective, value: T): Promise<T[]> {
  if (ranks.size === 1) return [value];
  const own = Buffer.from(JSON.stringify(value));
  const lengths = new Int32Array(ranks.size);
  lengths[ranks.rank] = own.length;
  await ranks.allReduce(lengths, 'sum');
  const ends = lengths.map((_, rank) => lengths.subarray(0, rank + 1).reduce((sum, length) => sum + length, 0));
  const bytes = new Uint8Array(ends[ranks.size - 1]);
  const textOf = (rank: number): Uint8Array => bytes.subarray(ends[rank] - lengths[rank], ends[rank]);
  textOf(ranks.rank).set(own);
  await ranks.allGather(bytes, lengths);
  return Array.from(lengths, (_, rank) => JSON.parse(Buffer.from(textOf(rank)).toString()) as T);
}
