/**
 * Tables whose rows lie on several ranks (owners.ts): each has its rows with their moments in a store of its own. A gather numbers the
 * distinct rows of the batch, fetches them from their owners and pools them here; sums of gradients go back to the owners, which alone
 * update the rows.
 */
import type { Collective } from '../comm/contract.ts';
import { type Arena, type FieldLayout, type Kernels, noSuchRow, regionBytes } from '../kernels/index.ts';
import type { GatherRequest, TableSizes, TableStore } from './contract.ts';
import { askRows, returnRows, rowsOwned, sendRows, type WantedRows } from './owners.ts';

export interface ShardSizes {
  ranks: Collective;
  /** Max distinct rows of a gather. */
  rowsAtOnce: number;
}

/** Sizes of the rows of this rank. */
export function ownSizes(sizes: TableSizes, ranks: Collective): TableSizes {
  const rows = rowsOwned(sizes.rows, ranks);
  const { updates } = sizes;
  return { ...sizes, rows, updates: updates && { ...updates, batchRows: Math.min(rows, updates.batchRows) } };
}

/** Size of fetched rows in the arena, in bytes. */
export const fetchedBytes = ({ dimension }: TableSizes, { rowsAtOnce }: ShardSizes): number =>
  regionBytes(rowsAtOnce * dimension);

/** `own`: the store of the rows of this rank. `rows`: of all ranks. */
export function shardedTables(
  kernels: Kernels,
  arena: Arena,
  own: TableStore,
  rows: number,
  { ranks, rowsAtOnce }: ShardSizes,
): TableStore {
  const { dimension } = own;
  const { rank, size } = ranks;
  const fetched = arena.floats(rowsAtOnce * dimension);
  const numbering = new Numbering(rowsAtOnce);
  let last: WantedRows = { wanted: NONE, places: NONE, askedBy: NONE, asked: NONE };
  const here = (row: number): number => {
    if (row % size !== rank) throw new Error(`row ${row} is not on rank ${rank} of ${size}`);
    return (row - rank) / size;
  };
  return {
    rows,
    dimension,
    bytes: own.bytes,
    memories: own.memories,
    shards: {
      rank,
      size,
      async giveBack({ unique, count, summed }, into) {
        const sums = new Float32Array(last.places.length * dimension); // by place
        for (let u = 0; u < count; u++) {
          const to = unique.view[u] * dimension;
          for (let d = 0; d < dimension; d++) sums[to + d] = summed.view[u * dimension + d];
        }
        await returnRows(ranks, last, sums, dimension, into.gradients.view);
        into.ids.view.set(last.asked);
        return last.asked.length;
      },
    },
    async gather(table, requests) {
      numberRows(numbering, requests, rows);
      last = await askRows(ranks, numbering.rows());
      const owned = { arrays: own.parts(table).map(({ view }) => view), width: dimension };
      await sendRows(ranks, last, owned, fetched.view);
      for (const request of requests) {
        placeRows(request, last.places);
        kernels.gather({ ...request, fields: withoutPadding(request.fields), table: fetched, dimension });
      }
    },
    update: (gradients, step) => own.update(gradients, step),
    scale: (row, factor) => own.scale(here(row), factor),
    row: (part, row) => own.row(part, here(row)),
    parts: (part) => own.parts(part),
  };
}

const NONE = new Int32Array(0);
const PADDING = -1;

/** Fields whose ids are positions among fetched rows. */
export const withoutPadding = (fields: readonly FieldLayout[]): FieldLayout[] =>
  fields.map((field) => ({ ...field, padding: PADDING }));

/** Replaces ids by the numbers of their rows, and padding by -1. */
function numberRows(numbering: Numbering, requests: readonly GatherRequest[], tableRows: number): void {
  numbering.clear();
  for (const { ids, rows, slots, fields } of requests)
    for (let row = 0; row < rows; row++)
      for (const { slot, slots: length, padding } of fields)
        for (let i = row * slots + slot; i < row * slots + slot + length; i++) {
          const id = ids.view[i];
          if (id !== padding && (id < 0 || id >= tableRows)) throw noSuchRow(id, i, tableRows);
          ids.view[i] = id === padding ? PADDING : numbering.of(id);
        }
}

/** Replaces numbers of rows by their places among the fetched ones. */
function placeRows({ ids: { view }, rows, slots }: GatherRequest, places: Int32Array): void {
  for (let i = 0; i < rows * slots; i++) if (view[i] !== PADDING) view[i] = places[view[i]];
}

/** Numbers distinct rows in the order in which they come: a hash table with open addressing. */
class Numbering {
  readonly #shift: number;
  readonly #keys: Int32Array;
  readonly #numbers: Int32Array;
  readonly #rows: Int32Array;
  #count = 0;

  constructor(capacity: number) {
    const bits = Math.max(1, Math.ceil(Math.log2(capacity + 1)) + 1); // at most half full
    this.#shift = 32 - bits;
    this.#keys = new Int32Array(2 ** bits);
    this.#numbers = new Int32Array(2 ** bits);
    this.#rows = new Int32Array(capacity);
  }

  clear(): void {
    this.#keys.fill(EMPTY);
    this.#count = 0;
  }

  of(row: number): number {
    const keys = this.#keys;
    let at = Math.imul(row, 0x9e3779b1) >>> this.#shift; // Knuth's multiplicative hash
    while (keys[at] !== row) {
      if (keys[at] === EMPTY) {
        keys[at] = row;
        this.#numbers[at] = this.#count;
        this.#rows[this.#count++] = row;
        break;
      }
      at = (at + 1) & (keys.length - 1);
    }
    return this.#numbers[at];
  }

  /** The rows by their numbers. */
  rows(): Int32Array {
    return this.#rows.subarray(0, this.#count);
  }
}

const EMPTY = -1;
