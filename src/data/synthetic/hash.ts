/**
 * Uniform numbers that are a function of (stream, index) alone, computed alike by SQL and by TypeScript: row 17 of a
 * world is the same row in a file of a hundred rows or a billion, on any number of threads.
 *
 * The mixer is the 32-bit xorshift-multiply hash of the "hash-prospector" project (public domain), applied twice:
 * once to the index and once more, per stream, to what that gives.
 */
import { random } from '../../base/random.ts';

/** Keys of one stream of uniforms. Streams of one `base` share the first round, which SQL computes once per row. */
export interface Stream {
  base: number;
  key: number;
}

/** The streams named `names` of a kind of thing (rows, users, items) in the world of a seed. */
export function streams<N extends string>(seed: number, kind: string, names: readonly N[]): Record<N, Stream> {
  const base = random('synthetic', seed, kind).next();
  const entries = names.map((name) => [name, { base, key: random('synthetic', seed, kind, name).next() }]);
  return Object.fromEntries(entries) as Record<N, Stream>;
}

/** 32 random bits; index < 2^32. */
export const bits = ({ base, key }: Stream, index: number): number => mix(mix(index ^ base) ^ key);

/** Uniform in (0, 1). */
export const uniform = (stream: Stream, index: number): number => (bits(stream, index) + 0.5) / 4294967296;

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97) >>> 0;
  return (x ^ (x >>> 15)) >>> 0;
}

/** Macros that `mixedSql` and `uniformSql` need; a product of two 32-bit numbers fits UBIGINT. */
export const HASH_MACROS = [
  'CREATE OR REPLACE TEMP MACRO shift_xor(x, bits) AS xor(x, x >> bits)',
  `CREATE OR REPLACE TEMP MACRO mix(x) AS shift_xor(shift_xor(shift_xor(x, 16)
     * ${0x21f0aaad}::UBIGINT & 4294967295, 15) * ${0x735a2d97}::UBIGINT & 4294967295, 15)`,
];

/** First round: an index (UBIGINT) mixed with the base that its streams share. */
export const mixedSql = (index: string, { base }: Stream): string => `mix(xor(${index}, ${base}::UBIGINT))`;

/** Second round: 32 bits (UBIGINT) from `mixed`, a column that holds `mixedSql`. */
export const bitsSql = (mixed: string, { key }: Stream): string => `mix(xor(${mixed}, ${key}::UBIGINT))`;

export const uniformSql = (mixed: string, stream: Stream): string =>
  `((${bitsSql(mixed, stream)}::DOUBLE + 0.5::DOUBLE) / 4294967296::DOUBLE)`;
