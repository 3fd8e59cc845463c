/**
 * From a value to its token, the same in preparation and in serving.
 *
 * A token is the text of a value: a text as it is, an integer in decimal digits, any other number as JavaScript prints
 * it (3.0 and 3 are the same number and the same token; -0 is 0), `true` or `false`. A missing value has no token:
 * NULL, undefined, the empty text, NaN and the infinities. Nothing is trimmed, folded or normalised.
 *
 * SQL computes all of it alike; what SQL and JavaScript print differently (floating-point numbers, buckets) SQL leaves
 * to the functions of this file, see `functions.ts`.
 */
import { createHash } from 'node:crypto';
import { error } from '../../base/errors/index.ts';
import { shown } from '../../base/shown.ts';
import { RESERVED_IDS } from './ids.ts';
import { naturalLogarithm } from './logarithm.ts';

/** How numbers fall into buckets: bucket = how many `edges` are <= v, or AutoIFS' rule. */
export type Buckets = 'logSquare' | { edges: number[] };

/** The token of a value, or undefined where it is missing. Throws ROW_VALUE_INVALID for objects and arrays. */
export function tokenOf(value: unknown, field: string): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
      return numberText(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return undefined;
    default:
      if (value === null) return undefined;
      throw error('ROW_VALUE_INVALID', {
        field,
        found: Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`,
      });
  }
}

/** Text of a number; undefined for NaN and the infinities. */
export const numberText = (value: number): string | undefined => (Number.isFinite(value) ? String(value) : undefined);

/** The number of a numeric field's value, or undefined where it is missing. Texts must be plain decimal numbers. */
export function numberOf(value: unknown, field: string): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const isNumber =
    typeof value === 'string'
      ? /^\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(value)
      : typeof value !== 'object';
  if (!isNumber) throw error('ROW_VALUE_INVALID', { field, found: `${shown(value)}, not a number` });
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** The bucket of a finite number. */
export function bucketOf(buckets: Buckets, value: number): number {
  if (buckets !== 'logSquare') return edgesUpTo(buckets.edges, value);
  if (value > 2) {
    const square = Math.log(value) ** 2;
    // The last digits of the logarithm matter only close to a border between buckets.
    const isClear = Math.abs(square - Math.round(square)) > 1e-9 * square;
    return Math.floor(isClear ? square : naturalLogarithm(value) ** 2);
  }
  return Math.trunc(value) + 0; // + 0 makes -0 a 0
}

/** How many of the rising `edges` are <= value (binary search). */
function edgesUpTo(edges: number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Id of a token in a field that hashes into `size` ids: the first 8 bytes of its MD5, little endian, modulo `size`. */
export function hashedId(token: string, size: number): number {
  const digest = createHash('md5').update(token, 'utf8').digest();
  return RESERVED_IDS + Number(digest.readBigUInt64LE(0) % BigInt(size));
}

/** The values of a multi-value field's value: parts of a text, or the elements of a list; missing ones left out. */
export function tokensOf(value: unknown, separator: string, maxLength: number, field: string): string[] {
  const tokens: string[] = [];
  const parts =
    typeof value === 'string' ? partsOf(value, separator, maxLength) : Array.isArray(value) ? value : [value];
  for (const part of parts) {
    const token = tokenOf(part, field);
    if (token !== undefined) tokens.push(token);
    if (tokens.length === maxLength) break;
  }
  return tokens;
}

/** Of a long text only the first parts are cut out, without those that are empty: they are missing values. */
const partsOf = (text: string, separator: string, most: number): string[] =>
  text.length < 1000 ? text.split(separator) : firstParts(text, separator, most);

function firstParts(text: string, separator: string, most: number): string[] {
  const parts: string[] = [];
  const first = separator.charCodeAt(0);
  const isSeparator = (at: number): boolean =>
    text.charCodeAt(at) === first && (separator.length === 1 || text.startsWith(separator, at));
  for (let from = 0; parts.length < most; ) {
    while (isSeparator(from)) from += separator.length;
    if (from >= text.length) break;
    const to = text.indexOf(separator, from);
    parts.push(text.slice(from, to < 0 ? undefined : to));
    if (to < 0) break;
    from = to;
  }
  return parts;
}
