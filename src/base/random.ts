/**
 * Seeded randomness. Nothing here is global: a generator is made from what it is for (`random('shuffle', seed, epoch)`),
 * so that adding one consumer never changes the numbers of another and any step can be repeated alone.
 */
import { createHash } from 'node:crypto';

/** A stream of random numbers (xoshiro128**, seeded by the SHA-256 of its key). */
export interface Random {
  /** 32 random bits, unsigned. */
  next(): number;
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal (polar method). */
  normal(): number;
  /** Uniform integer in [0, n), without bias; n < 2^32. */
  below(n: number): number;
}

/** The generator of a key. Equal keys give equal streams on every machine. */
export function random(...key: (string | number)[]): Random {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let d = digest.readUInt32LE(12) | 1; // the all-zero state would stay zero
  let spare: number | undefined;

  const next = (): number => {
    const r = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return r;
  };
  const uniform = (): number => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const r = x * x + y * y;
      if (r > 0 && r < 1) {
        const scale = Math.sqrt((-2 * Math.log(r)) / r);
        spare = y * scale;
        return x * scale;
      }
    }
  };
  const below = (n: number): number => {
    const limit = 4294967296 - (4294967296 % n);
    for (;;) {
      const value = next();
      if (value < limit) return value % n;
    }
  };
  return { next, uniform, normal, below };
}

/** Shuffles in place (Fisher-Yates). */
export function shuffle(values: { length: number; [index: number]: number }, generator: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    const held = values[i];
    values[i] = values[j];
    values[j] = held;
  }
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
