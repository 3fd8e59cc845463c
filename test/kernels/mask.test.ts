import { describe, expect, test } from 'vitest';
import { named } from './helpers.ts';

describe.each(named)('$name', ({ kernels }) => {
  const length = 100_003;
  const mask = (keep: number, seed: number, counter: number, size = length): Float32Array => {
    const out = kernels.createArena(length * 4 + 64).floats(length);
    kernels.dropoutMask(out, size, keep, seed, counter);
    return out.view.slice(0, size);
  };
  /** Share of places where two masks agree. */
  const agreement = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, x, i) => sum + Number(x === b[i]), 0) / a.length;
  /** Five standard deviations of a share of `length` draws. */
  const bound = (share: number) => 5 * Math.sqrt((share * (1 - share)) / length);

  test.each([0.1, 0.5, 0.8, 0.999])('holds 0 and 1/keep only, and keeps a share of %d', (keep) => {
    const values = mask(keep, 1, 2);
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / keep)]));
    const kept = values.reduce((sum, x) => sum + Number(x > 0), 0) / length;
    expect(Math.abs(kept - keep)).toBeLessThan(bound(keep));
  });

  test('keeping all is a mask of ones', () => {
    expect(mask(1, 1, 2).every((x) => x === 1)).toBe(true);
  });

  test('depends on seed and counter alone: a shorter mask is the start of a longer one', () => {
    expect(mask(0.7, 5, 6)).toEqual(mask(0.7, 5, 6));
    expect(mask(0.7, 5, 6, 1001)).toEqual(mask(0.7, 5, 6).subarray(0, 1001));
  });

  test('masks of other seeds, other counters and shifted places agree as often as independent ones', () => {
    const keep = 0.7;
    const chance = keep * keep + (1 - keep) * (1 - keep);
    const base = mask(keep, 5, 6);
    const others = [mask(keep, 6, 6), mask(keep, 5, 7), mask(keep, 6, 5), mask(keep, 5, 2 ** 40)];
    const shifted = [1, 2, 4, 64, 1000].map((by) => Float32Array.from({ length }, (_, i) => base[(i + by) % length]));
    for (const other of [...others, ...shifted]) {
      expect(Math.abs(agreement(base, other) - chance)).toBeLessThan(bound(chance));
    }
  });
});
