/**
 * The ids of a table: an open-addressing hash table over their UTF-8 bytes, in typed arrays, so that it is written once, read
 * from a file as it is, and costs the garbage collector nothing.
 */

/** Ids one after another: those of row i are bytes[ends[i - 1] .. ends[i]]. */
export interface Texts {
  bytes: Uint8Array;
  /** [rows] */
  ends: Uint32Array;
}

/** Packs texts. Lone surrogates become U+FFFD, as in stored data. */
export function packTexts(texts: readonly string[]): Texts {
  const ends = new Uint32Array(texts.length);
  let at = 0;
  for (let i = 0; i < texts.length; i++) {
    at += Buffer.byteLength(texts[i]);
    ends[i] = at;
  }
  const bytes = Buffer.allocUnsafe(at);
  for (let i = 0; i < texts.length; i++) bytes.write(texts[i], i === 0 ? 0 : ends[i - 1]);
  return { bytes, ends };
}

/** Text `i`. */
export const textAt = ({ bytes, ends }: Texts, i: number): string =>
  Buffer.from(
    bytes.buffer,
    bytes.byteOffset + (i === 0 ? 0 : ends[i - 1]),
    ends[i] - (i === 0 ? 0 : ends[i - 1]),
  ).toString();

/** FNV-1a of 32 bits, then a mix of its high bits into the low ones, by which slots are chosen. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 12);
}

/** Slots of a hash table over `keys`: row + 1, or 0 for a free one. Half of them at most are taken. */
export function makeSlots({ bytes, ends }: Texts): Int32Array {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2 * ends.length, 2)));
  const slots = new Int32Array(size);
  for (let row = 0, from = 0; row < ends.length; from = ends[row++]) {
    let slot = hashOf(bytes, from, ends[row]) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = row + 1;
  }
  return slots;
}

/** Finds the row of an id, -1 where there is none. */
export function keyFinder({ bytes, ends }: Texts, slots: Int32Array): (id: string) => number {
  let longest = 0;
  for (let row = 0, from = 0; row < ends.length; from = ends[row++]) longest = Math.max(longest, ends[row] - from);
  const given = Buffer.alloc(longest);
  const isRow = (row: number, length: number): boolean => {
    const from = row === 0 ? 0 : ends[row - 1];
    if (ends[row] - from !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[from + i] !== given[i]) return false;
    return true;
  };
  return (id) => {
    if (id.length > longest || Buffer.byteLength(id) > longest) return -1;
    const length = given.write(id);
    let slot = hashOf(given, 0, length) & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1))
      if (isRow(slots[slot] - 1, length)) return slots[slot] - 1;
    return -1;
  };
}
