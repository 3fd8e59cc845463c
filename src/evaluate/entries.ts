/**
 * What a cell keeps of its rows: 8 bytes each, sorted by radix.
 *
 *   key   the float32 logit as an unsigned integer of the same order
 *   tag   bit 0: the label; the bits above: 1 + the row's group, 0 for none
 */
export interface Entries {
  keys: Uint32Array;
  tags: Uint32Array;
  length: number;
}

export const emptyEntries = (capacity = 0): Entries => ({
  keys: new Uint32Array(capacity),
  tags: new Uint32Array(capacity),
  length: 0,
});

export function append(entries: Entries, key: number, tag: number): void {
  if (entries.length === entries.keys.length) reserve(entries, Math.max(1024, 2 * entries.length));
  entries.keys[entries.length] = key;
  entries.tags[entries.length] = tag;
  entries.length++;
}

function reserve(entries: Entries, capacity: number): void {
  const { keys, tags } = emptyEntries(capacity);
  keys.set(entries.keys);
  tags.set(entries.tags);
  entries.keys = keys;
  entries.tags = tags;
}

export const tagOf = (group: number, label: number): number => (((group + 1) << 1) | label) >>> 0;
export const labelOf = (tag: number): number => tag & 1;
/** 0 for rows without a group. */
export const groupOf = (tag: number): number => tag >>> 1;

/** Order-preserving image of a float32's bits; -0 is made 0, so that they tie. */
export const keyOf = (bits: number): number =>
  bits === 0x80000000 ? 0x80000000 : (bits & 0x80000000) !== 0 ? ~bits >>> 0 : (bits | 0x80000000) >>> 0;

const scratchBits = new Uint32Array(1);
const scratchFloat = new Float32Array(scratchBits.buffer);

export function logitOf(key: number): number {
  scratchBits[0] = (key & 0x80000000) !== 0 ? key & 0x7fffffff : ~key;
  return scratchFloat[0];
}

/** An order of entries: sorting by it, and whether entry i of a stands after entry j of b. */
export interface Order {
  sort(entries: Entries): void;
  isAfter(a: Entries, i: number, b: Entries, j: number): boolean;
}

export const byLogit: Order = {
  sort: (entries) => sortByBits(entries, 'keys', 0),
  isAfter: (a, i, b, j) => a.keys[i] > b.keys[j],
};

/** By group, and by logit within a group. */
export const byGroup: Order = {
  sort(entries) {
    sortByBits(entries, 'keys', 0);
    sortByBits(entries, 'tags', 1);
  },
  isAfter: (a, i, b, j) =>
    groupOf(a.tags[i]) === groupOf(b.tags[j]) ? a.keys[i] > b.keys[j] : groupOf(a.tags[i]) > groupOf(b.tags[j]),
};

const DIGIT = 8;
const BUCKETS = 1 << DIGIT;

/** Stable radix sort by the bits of one column from `lowest` up, 8 at a time. What is in order already costs one look. */
function sortByBits(entries: Entries, column: 'keys' | 'tags', lowest: number): void {
  const { length } = entries;
  if (isSorted(entries[column], length, lowest)) return;
  const other = column === 'keys' ? 'tags' : 'keys';
  let { [column]: by, [other]: along } = entries;
  let { keys: byNext, tags: alongNext } = emptyEntries(length);
  for (let shift = lowest; shift < 32; shift += DIGIT) {
    const start = new Uint32Array(BUCKETS + 1);
    for (let i = 0; i < length; i++) start[((by[i] >>> shift) & (BUCKETS - 1)) + 1]++;
    if (start.includes(length)) continue; // all entries share this digit
    for (let b = 1; b <= BUCKETS; b++) start[b] += start[b - 1];
    for (let i = 0; i < length; i++) {
      const to = start[(by[i] >>> shift) & (BUCKETS - 1)]++;
      byNext[to] = by[i];
      alongNext[to] = along[i];
    }
    [by, byNext] = [byNext, by];
    [along, alongNext] = [alongNext, along];
  }
  entries[column] = by;
  entries[other] = along;
}

function isSorted(column: Uint32Array, length: number, lowest: number): boolean {
  for (let i = 1; i < length; i++) if (column[i - 1] >>> lowest > column[i] >>> lowest) return false;
  return true;
}
