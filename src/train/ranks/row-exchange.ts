/**
 * Gradients of table rows over ranks. Each row has an owner, its id modulo the number of ranks. Ranks send the sums over their own
 * rows of the batch to the owners, who add them up in the order of ranks. If all ranks hold the whole table, they then get all sums, in the
 * order of owners.
 */
import type { Collective } from '../../comm/contract.ts';
import { type Arena, type Kernels, type Region, regionBytes } from '../../kernels/index.ts';
import type { Received, Shards } from '../../tables/contract.ts';
import { askRows, returnRows, starts } from '../../tables/owners.ts';

/** Distinct rows and the sums of their gradients. */
interface Sums {
  unique: Region<Int32Array>;
  summed: Region;
  /** Zeroed workspace, one number per table row. */
  stamps: Region<Int32Array>;
}

/** Max number of sums that an owner receives. `uses`: max ids in a batch. */
const capacity = (uses: number, tableRows: number, ranks: number): number =>
  Math.min(uses, ranks * Math.ceil(tableRows / ranks));

interface ReceivedSizes {
  /** Max ids in a batch. */
  uses: number;
  tableRows: number;
  dimension: number;
  ranks: number;
}

export function receivedBytes({ uses, tableRows, dimension, ranks }: ReceivedSizes): number {
  const count = capacity(uses, tableRows, ranks);
  return regionBytes(count) + regionBytes(count * dimension);
}

export function allocateReceived(arena: Arena, { uses, tableRows, dimension, ranks }: ReceivedSizes): Received {
  const count = capacity(uses, tableRows, ranks);
  return { ids: arena.ints(count), gradients: arena.floats(count * dimension) };
}

/**
 * Replaces the `count` sums of this rank by those of all ranks. Returns how many there are.
 *
 * Bytes that a rank sends: 4 (D + 1) for each of its rows that another rank owns, and as many for each row that it owns and each other
 * rank.
 */
export async function exchangeRows(
  ranks: Collective,
  kernels: Kernels,
  sums: Sums,
  received: Received,
  count: number,
  dimension: number,
): Promise<number> {
  const arrived = await toOwners(ranks, sums, received, count, dimension);
  const owned = addUp(kernels, sums, received, arrived, dimension);
  return toAll(ranks, sums, owned, dimension);
}

/**
 * Replaces the `count` sums of this rank by those over all ranks of the rows that it owns. Returns how many there are.
 *
 * Bytes that a rank sends: 4 D for each of its rows that another rank owns, beside the 4 (D + 1) that it took to fetch the row.
 */
export async function sumAtOwners(
  shards: Shards,
  kernels: Kernels,
  sums: Sums,
  received: Received,
  count: number,
  dimension: number,
): Promise<number> {
  const arrived = await shards.giveBack({ ...sums, count }, received);
  return addUp(kernels, sums, received, arrived, dimension);
}

/** Adds up the sums that have arrived. Returns the number of rows. */
const addUp = (kernels: Kernels, sums: Sums, received: Received, arrived: number, dimension: number): number =>
  kernels.scatterUnique({
    ...sums,
    ids: received.ids,
    rows: arrived,
    slots: 1,
    fields: [{ slot: 0, slots: 1, pooling: 'sum', padding: -1 }],
    gradient: received.gradients,
    dimension,
  });

/** Sends each sum to its owner. Returns how many have arrived in `received`: those of rank 0 first. */
async function toOwners(
  ranks: Collective,
  { unique, summed }: Sums,
  received: Received,
  count: number,
  dimension: number,
): Promise<number> {
  const rows = await askRows(ranks, unique.view.subarray(0, count));
  const { places, asked } = rows;
  const gradients = new Float32Array(count * dimension);
  for (let u = 0; u < count; u++)
    gradients.set(summed.view.subarray(u * dimension, (u + 1) * dimension), places[u] * dimension);
  await returnRows(ranks, rows, gradients, dimension, received.gradients.view);
  for (let i = 0; i < asked.length; i++) received.ids.view[i] = asked[i] * ranks.size + ranks.rank;
  return asked.length;
}

/** Gives the `owned` sums of each owner to all ranks. Returns how many there are. */
async function toAll(ranks: Collective, { unique, summed }: Sums, owned: number, dimension: number): Promise<number> {
  const counts = new Int32Array(ranks.size);
  counts[ranks.rank] = owned;
  await ranks.allReduce(counts, 'sum');
  const from = starts(counts);
  const own = from[ranks.rank];
  unique.view.copyWithin(own, 0, owned);
  summed.view.copyWithin(own * dimension, 0, owned * dimension);
  await ranks.allGather(unique.view, counts);
  await ranks.allGather(
    summed.view,
    counts.map((count) => count * dimension),
  );
  return from[ranks.size - 1] + counts[ranks.size - 1];
}
