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

const [QUOTE, COMMA, MINUS, NINE, COLON, BACKSLASH, PLUS] = Buffer.from('",-9:\\+');
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('[]{}');
const [SMALL_E, LARGE_E] = Buffer.from('eE');

/** A float64 holds 15 decimal digits exactly, so any number of at most 15 bytes without an exponent is exact. */
const EXACT_BYTES = 15;
/** Different names take this many bytes each: one of the name, two quotes and the colon. */
const NAME_BYTES = 4;
const [PROTO, CONSTRUCTOR] = [Buffer.from('__proto__'), Buffer.from('constructor')];

/** What a parsed body must be checked for. */
export interface BodyScan {
  /** A float64 may not represent some number exactly. */
  mayBend: boolean;
  /** Some property may be called `__proto__` or `constructor`. */
  mayPoison: boolean;
}

/** @throws BODY_TOO_DEEP, BODY_TOO_COMPLEX */
export function scanBody(bytes: Uint8Array, limits: BodyShape): BodyScan {
  const size = bytes.length;
  const mostNames = Math.min(limits.names, MOST_NAMES);
  // Counting names takes most of the time of a scan.
  const names = size / NAME_BYTES < mostNames ? undefined : createNames();
  const found: BodyScan = { mayBend: false, mayPoison: false };
  let depth = 0;
  let values = 1;
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
          i++;
        }
      to = Math.min(i, size);
    } else if (byte === COMMA) {
      values++;
    } else if (byte === COLON) {
      if (isEscaped || is(PROTO, bytes, from, to) || is(CONSTRUCTOR, bytes, from, to)) found.mayPoison = true;
      if (names !== undefined && names(bytes, from, to) > mostNames)
        throw error('BODY_TOO_COMPLEX', { what: 'names', limit: mostNames });
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      values++;
      if (++depth > limits.depth) throw error('BODY_TOO_DEEP', { limit: limits.depth });
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    } else if (byte >= MINUS && byte <= NINE) {
      const start = i;
      for (let next = bytes[i + 1]; isOfNumber(next); next = bytes[++i + 1])
        if (next === SMALL_E || next === LARGE_E) found.mayBend = true;
      if (i - start >= EXACT_BYTES) found.mayBend = true;
    }
    if (values > limits.values) throw error('BODY_TOO_COMPLEX', { what: 'values', limit: limits.values });
  }
  return found;
}

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
