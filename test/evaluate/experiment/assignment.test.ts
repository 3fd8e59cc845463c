/** Laws of assignment: coverage, weights, namespaces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Assignment, armRanges, assign, bucketOf, inRange } from '../../../src/evaluate/experiment/index.ts';

const unit = (i: number): string => `user-${i}`;

describe('laws', () => {
  const weights = fc
    .array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 })
    .map((parts) => parts.map((part) => part / parts.reduce((sum, x) => sum + x)));
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  test('coverage only adds units: nobody changes arm', () => {
    fc.assert(
      fc.property(weights, share, share, fc.string(), fc.string({ minLength: 1 }), (of, a, b, key, id) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        const arm = (coverage: number) => assign({ key, hashVersion: 2, weights: of, coverage }, id)?.arm;
        if (arm(less) !== undefined) expect(arm(more)).toBe(arm(less));
      }),
    );
  });

  test('full coverage leaves nobody out; none lets nobody in; ranges never overlap', () => {
    fc.assert(
      fc.property(weights, share, (of, coverage) => {
        const ranges = armRanges(of, coverage);
        ranges.forEach(([from, to], i) => {
          expect(to).toBeLessThanOrEqual((ranges[i + 1]?.[0] ?? 1) + 1e-12);
          expect(from).toBeLessThanOrEqual(to);
        });
      }),
    );
    for (let i = 0; i < 1000; i++) {
      const all: Assignment = { key: 'all', hashVersion: 2, weights: [0.25, 0.75] };
      expect(assign(all, unit(i))).toBeDefined();
      expect(assign({ ...all, coverage: 0 }, unit(i))).toBeUndefined();
    }
  });

  test('an arm without weight has no units and moves nobody', () => {
    for (let i = 0; i < 1000; i++)
      expect(assign({ key: 'k', hashVersion: 2, weights: [0.5, 0.5, 0] }, unit(i))).toEqual(
        assign({ key: 'k', hashVersion: 2, weights: [0.5, 0.5] }, unit(i)),
      );
  });

  test('experiments of one namespace with ranges apart never share a unit; keys draw independently', () => {
    const of = (key: string, from: number, to: number): Assignment => ({
      key,
      hashVersion: 2,
      weights: [0.5, 0.5],
      namespace: { name: 'n', range: [from, to] },
    });
    let [together, neither] = [0, 0];
    let alike = 0;
    for (let i = 0; i < 5000; i++) {
      const [a, b] = [of('a', 0, 0.5), of('b', 0.5, 1)].map((experiment) => assign(experiment, unit(i)));
      if (a !== undefined && b !== undefined) together++;
      if (a === undefined && b === undefined) neither++;
      const [c, d] = ['c', 'd'].map((key) => assign({ key, hashVersion: 2, weights: [0.5, 0.5] }, unit(i))?.arm);
      if (c === d) alike++;
    }
    expect([together, neither]).toEqual([0, 0]);
    expect(Math.abs(alike / 5000 - 0.5)).toBeLessThan(0.03); // four standard errors
  });

  test('no unit takes no part, and wrong shares are refused', () => {
    const experiment: Assignment = { key: 'k', hashVersion: 2, weights: [0.5, 0.5] };
    for (const none of [null, undefined, '']) expect(assign(experiment, none)).toBeUndefined();
    expect(() => armRanges([0.5, 0.4])).toThrow('weights add up to 1, found 0.5 + 0.4');
    expect(() => armRanges([1.5, -0.5])).toThrow('weights add up to 1');
    expect(() => armRanges([0.5, 0.5], 1.2)).toThrow('coverage is a share in [0, 1], found 1.2');
    expect(bucketOf('seed', 'a', 3)).toBeNull();
    expect(inRange(0.5, [0, 0.5])).toBe(false);
  });
});
