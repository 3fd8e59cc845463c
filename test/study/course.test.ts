import fc from 'fast-check';
import { expect, test } from 'vitest';
import { courseOf } from '../../src/study/compare/analyse.ts';

test('validation by epoch over seeds: those that came so far, undefined values left out', () => {
  const { curve, bestEpochs } = courseOf([
    { curve: [0.6, 0.7, 0.65], bestEpoch: 2 },
    { curve: [0.5, null], bestEpoch: 1 },
  ]);
  expect(bestEpochs).toEqual([2, 1]);
  expect(curve).toEqual([
    { epoch: 1, n: 2, mean: 0.55, lowest: 0.5, highest: 0.6 },
    { epoch: 2, n: 1, mean: 0.7, lowest: 0.7, highest: 0.7 },
    { epoch: 3, n: 1, mean: 0.65, lowest: 0.65, highest: 0.65 },
  ]);
});

test('there is none where a training of an older version is among them, or no training', () => {
  expect(courseOf([{ curve: [0.6], bestEpoch: 1 }, { bestEpoch: 1 }])).toEqual({});
  expect(courseOf([])).toEqual({});
});

test('means lie between the extremes, and no epoch without a value is there', () => {
  const value = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
  const trainings = fc.array(fc.record({ curve: fc.array(value, { maxLength: 6 }), bestEpoch: fc.nat(6) }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(trainings, (results) => {
      for (const { epoch, n, mean, lowest, highest } of courseOf(results).curve ?? []) {
        const own = results.flatMap(({ curve }) => curve[epoch - 1] ?? []);
        expect(n).toBe(own.length);
        expect(n).toBeGreaterThan(0);
        expect(mean).toBeGreaterThanOrEqual(lowest - 1e-12);
        expect(mean).toBeLessThanOrEqual(highest + 1e-12);
      }
    }),
  );
});
