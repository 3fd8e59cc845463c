/**
 * Scans the bytes of a JSON body before it is parsed. JSON.parse takes 20 ns for a number, 400 ns for a list and more than 1000
 * ns for a name it has not seen before, so a body of 8 MiB can block the event loop for seconds. The scan takes 2 ns a byte and
 * stops at the first limit. It does not check the grammar; JSON.parse does.
 */
import { randomInt } from 'node:crypto';
import { error } from '../../base/errors/index.ts';

/** How much a body may contain. */
export interface BodyShape {
  /** Nesting. */
  depth: number;
  /** Strings, numbers, lists, objects and so on, together. */
  values: number;
  /** Different property names, at most `MOST_NAMES`. */
  names: number;
}

const [QUOTE, COMMA, MINUS, NINE, COLON, BACKSLASH, PLUS] = Buffer.from('",-9:\\+');
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('[]{}');
const [SMALL_E, LARGE_E] = Buffer.from('eE');

/** A float64 holds 15 decimal digits exactly, so any number of at most 15 bytes without an exponent is exact. */
const EXACT_BYTES = 15;

/**
 * Returns true if a float64 may not represent some number of the body exactly.
 *
 * @throws BODY_TOO_DEEP, BODY_TOO_COMPLEX
 */
export function scanBody(bytes: Uint8Array, limits: BodyShape): boolean {
  const size = bytes.length;
  const names = createNames();
  const mostNames = Math.min(limits.names, MOST_NAMES);
  let depth = 0;
  let values = 1;
  let from = 0;
  let to = 0;
  let isBent = false;
  for (let i = 0; i < size; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      from = ++i;
      for (; i < size && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
      to = Math.min(i, size);
    } else if (byte === COMMA) {
      values++;
    } else if (byte === COLON) {
      if (names(bytes, from, to) > mostNames) throw error('BODY_TOO_COMPLEX', { what: 'names', limit: mostNames });
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      values++;
      if (++depth > limits.depth) throw error('BODY_TOO_DEEP', { limit: limits.depth });
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    } else if (byte >= MINUS && byte <= NINE) {
      const start = i;
      for (let next = bytes[i + 1]; isOfNumber(next); next = bytes[++i + 1])
        if (next === SMALL_E || next === LARGE_E) isBent = true;
      if (i - start >= EXACT_BYTES) isBent = true;
    }
    if (values > limits.values) throw error('BODY_TOO_COMPLEX', { what: 'values', limit: limits.values });
  }
  return isBent;
}

/** Digits, point and signs are neighbours in ASCII (with the slash, which no number has). */
const isOfNumber = (byte: number): boolean =>
  (byte >= MINUS && byte <= NINE) || byte === SMALL_E || byte === LARGE_E || byte === PLUS;

/** Names that the table of hashes can distinguish. */
export const MOST_NAMES = 32_768;
const PLACES = 2 * MOST_NAMES;
/** Shared by all scans, since a scan runs to its end without waiting. `marks` says which scan used a place last. */
const hashes = new Int32Array(PLACES);
const marks = new Uint32Array(PLACES);
let mark = 0;
/** Random, so that nobody can choose names whose hashes collide. */
const start = randomInt(2 ** 31);

/** Counts different names by their 32-bit hashes (FNV-1a); two names of the same hash count once. */
function createNames(): (bytes: Uint8Array, from: number, to: number) => number {
  let count = 0;
  mark = (mark + 1) >>> 0;
  return (bytes, from, to) => {
    let hash = start;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    for (let place = (hash >>> 8) % PLACES; ; place = (place + 1) % PLACES) {
      if (marks[place] !== mark) {
        marks[place] = mark;
        hashes[place] = hash;
        return ++count;
      }
      if (hashes[place] === hash) return count;
    }
  };
}
