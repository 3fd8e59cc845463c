/**
 * Table rows that lie on several ranks. Row i is on rank i mod N, which has it as its row floor(i / N): ids of a field are in the order of
 * how often they occur, so blocks of rows would be unequal work. Ranks ask the owners for rows; rows come from them, and numbers
 * for the same rows go back to them.
 */
import type { Collective } from '../comm/contract.ts';

export type Owners = Pick<Collective, 'rank' | 'size' | 'allToAll'>;

/** How many of the rows [0, rows) a rank owns: where row `rows` or the next one that it owns lies there. */
export const rowsOwned = (rows: number, { rank, size }: Pick<Collective, 'rank' | 'size'>): number =>
  Math.max(0, Math.ceil((rows - rank) / size));

type Numbers = Float32Array | Int32Array;

/** Numbers by row that a rank has of its rows, in arrays one after another: all of the same number of rows, but the last. */
export interface OwnedRows<A extends Numbers = Numbers> {
  arrays: readonly A[];
  /** Numbers per row. */
  width: number;
}

/** Rows that ranks want of each other. */
export interface WantedRows {
  /** By owner: how many this rank wants of it. */
  wanted: Int32Array;
  /** Place of each row that this rank wants: those of rank 0 first, else in their order. */
  places: Int32Array;
  /** By rank: how many it wants of this one. */
  askedBy: Int32Array;
  /** Rows that are wanted of this rank, as it has them: those that rank 0 wants first. */
  asked: Int32Array;
}

/** Asks the owners for rows, each named once. */
export async function askRows(ranks: Owners, rows: Int32Array): Promise<WantedRows> {
  const { size } = ranks;
  const wanted = new Int32Array(size);
  for (const row of rows) wanted[row % size]++;
  const next = starts(wanted);
  const places = new Int32Array(rows.length);
  const there = new Int32Array(rows.length); // as the owners have them
  for (let i = 0; i < rows.length; i++) {
    const owner = rows[i] % size;
    const place = next[owner]++;
    places[i] = place;
    there[place] = (rows[i] - owner) / size;
  }
  const each = new Int32Array(size).fill(1);
  const askedBy = new Int32Array(size);
  await ranks.allToAll(wanted, each, askedBy, each);
  const asked = new Int32Array(total(askedBy));
  await ranks.allToAll(there, wanted, asked, askedBy);
  return { wanted, places, askedBy, asked };
}

/** Sends rows to those who want them. They come to `into`, by place. */
export async function sendRows<A extends Numbers>(
  ranks: Owners,
  { wanted, askedBy, asked }: WantedRows,
  owned: OwnedRows<A>,
  into: A,
): Promise<void> {
  const { width } = owned;
  const sent = asked.length === 0 ? (into.slice(0, 0) as A) : rowsAt(owned, asked); // a rank without rows has no arrays
  await ranks.allToAll(sent, times(askedBy, width), into, times(wanted, width));
}

/** Sends numbers, by place, to the owners of the rows. They come to `into`, for each of the rows that were asked for. */
export const returnRows = <A extends Numbers>(
  ranks: Owners,
  { wanted, askedBy }: WantedRows,
  numbers: A,
  width: number,
  into: A,
): Promise<void> => ranks.allToAll(numbers, times(wanted, width), into, times(askedBy, width));

/** The numbers of rows, copied. There must be an array. */
function rowsAt<A extends Numbers>({ arrays, width }: OwnedRows<A>, rows: Int32Array): A {
  const numbers = new (arrays[0].constructor as new (length: number) => A)(rows.length * width);
  const inArray = arrays[0].length / width;
  for (let i = 0; i < rows.length; i++) {
    const a = arrays.length === 1 ? 0 : Math.floor(rows[i] / inArray);
    const array = arrays[a];
    const from = (rows[i] - a * inArray) * width;
    for (let d = 0; d < width; d++) numbers[i * width + d] = array[from + d];
  }
  return numbers;
}

/** Writes numbers into rows. */
export function writeRows<A extends Numbers>({ arrays, width }: OwnedRows<A>, rows: Int32Array, numbers: A): void {
  if (rows.length === 0) return;
  const inArray = arrays[0].length / width;
  for (let i = 0; i < rows.length; i++) {
    const a = arrays.length === 1 ? 0 : Math.floor(rows[i] / inArray);
    const array = arrays[a];
    const to = (rows[i] - a * inArray) * width;
    for (let d = 0; d < width; d++) array[to + d] = numbers[i * width + d];
  }
}

const total = (counts: Int32Array): number => counts.reduce((sum, count) => sum + count, 0);
const times = (counts: Int32Array, width: number): Int32Array => counts.map((count) => count * width);

/** Where each part starts if parts of these sizes follow each other. */
export function starts(counts: Int32Array): Int32Array {
  let end = 0;
  return counts.map((count) => {
    end += count;
    return end - count;
  });
}
