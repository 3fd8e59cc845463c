/**
 * Scans the bytes of a JSON body before it is parsed. JSON.parse takes 20 ns for a number, 400 ns for a list and more than 1000
 * ns for a name it has not seen before, so a body of 8 MiB can block the event loop for seconds. The scan takes 1 ns a byte (2 where
 * names must be counted) and stops at the first limit. It does not check the grammar; JSON.parse does.
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

const [QUOTE, COMMA, MINUS, ZERO, NINE, COLON, BACKSLASH, PLUS, POINT] = Buffer.from('",-09:\\+.');
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('[]{}');
const [SMALL_E, LARGE_E] = Buffer.from('eE');

/** A float64 holds 15 decimal digits exactly, so any number of at most 15 bytes without an exponent is exact. */
const EXACT_BYTES = 15;
/** Different names take this many bytes each: one of the name, two quotes and the colon. */
const NAME_BYTES = 4;
const [PROTO, CONSTRUCTOR, ITEMS, TINY] = ['__proto__', 'constructor', 'items', '0.0000'].map((name) =>
  Buffer.from(name),
);

/** What a parsed body must be checked for. */
export interface BodyScan {
  /** A float64 may not represent some number exactly. */
  mayBend: boolean;
  /** Some property may be called `__proto__` or `constructor`. */
  mayPoison: boolean;
  /** Some text has escapes, or some number is not written as JSON.stringify writes it. */
  mayDiffer: boolean;
  /** The list that is the property `items` of the body, if there is one. */
  items?: {
    from: number;
    to: number;
    /** Number of property names in it. */
    names: number;
  };
}

/** @throws BODY_TOO_DEEP, BODY_TOO_COMPLEX */
export function scanBody(bytes: Uint8Array, limits: BodyShape): BodyScan {
  const size = bytes.length;
  const mostNames = Math.min(limits.names, MOST_NAMES);
  // Counting names takes most of the time of a scan.
  const names = size / NAME_BYTES < mostNames ? undefined : createNames();
  const found: BodyScan = { mayBend: false, mayPoison: false, mayDiffer: false };
  let depth = 0;
  let values = 1;
  let colons = 0;
  /** Is the last property of the body called `items`? Where its list begins, and the colons before it. */
  let isItems = false;
  let list = { from: 0, colons: 0 };
  /** The last string: its first byte, the one behind its last, and whether it has escapes. */
  let from = 0;
  let to = 0;
  let isEscaped = false;
  for (let i = 0; i < size; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      from = ++i;
      isEscaped = false;
      for (; i < size && bytes[i] !== QUOTE; i++)
        if (bytes[i] === BACKSLASH) {
          isEscaped = true;
          found.mayDiffer = true;
          i++;
        }
      to = Math.min(i, size);
    } else if (byte === COMMA) {
      values++;
    } else if (byte === COLON) {
      colons++;
      if (depth === 1) isItems = is(ITEMS, bytes, from, to);
      if (isEscaped || is(PROTO, bytes, from, to) || is(CONSTRUCTOR, bytes, from, to)) found.mayPoison = true;
      if (names !== undefined && names(bytes, from, to) > mostNames)
        throw error('BODY_TOO_COMPLEX', { what: 'names', limit: mostNames });
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      values++;
      if (++depth > limits.depth) throw error('BODY_TOO_DEEP', { limit: limits.depth });
      if (depth === 2 && isItems) list = { from: i, colons };
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (--depth === 1 && isItems) found.items = { from: list.from, to: i + 1, names: colons - list.colons };
    } else if (byte >= MINUS && byte <= NINE) {
      const start = i;
      let hasPoint = false;
      for (let next = bytes[i + 1]; isOfNumber(next); next = bytes[++i + 1])
        if (next === SMALL_E || next === LARGE_E) found.mayBend = true;
        else if (next === POINT) hasPoint = true;
      if (i - start >= EXACT_BYTES) found.mayBend = true;
      if (byte === MINUS ? bytes[start + 1] === ZERO : hasPoint && isTiny(bytes, start)) found.mayDiffer = true;
      if (hasPoint && bytes[i] === ZERO) found.mayDiffer = true;
    }
    if (values > limits.values) throw error('BODY_TOO_COMPLEX', { what: 'values', limit: limits.values });
  }
  found.mayDiffer ||= found.mayBend;
  return found;
}

/** JSON.stringify writes numbers below 0.000001 with an exponent. */
const isTiny = (bytes: Uint8Array, start: number): boolean => TINY.every((byte, i) => bytes[start + i] === byte);

function is(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false;
  return true;
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
