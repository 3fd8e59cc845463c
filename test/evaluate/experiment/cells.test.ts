/** Many cells at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { eBenjaminiHochberg, heterogeneity } from '../../../src/evaluate/experiment/index.ts';

test('e-BH: larger e-values reject more; the rejected are the largest', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 12 }), (e) => {
      const rejected = eBenjaminiHochberg(e);
      const kept = e.filter((_, i) => !rejected.includes(i));
      for (const i of rejected) expect(e[i]).toBeGreaterThanOrEqual(Math.max(...kept, 0));
      expect(eBenjaminiHochberg(e.map((x) => 2 * x)).length).toBeGreaterThanOrEqual(rejected.length);
      expect(eBenjaminiHochberg(e, 0.01).length).toBeLessThanOrEqual(rejected.length);
    }),
  );
});

test('heterogeneity: order and units of measure do not matter; equal effects are not shrunk apart', () => {
  const cell = fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: 0.05, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 2, maxLength: 10 }), (cells) => {
      const of = (all: typeof cells, factor = 1) =>
        heterogeneity(
          all.map(([x]) => factor * x),
          all.map(([, s]) => factor * s),
        );
      const plain = of(cells);
      expect(of(cells.toReversed()).Q).toBeCloseTo(plain.Q, 8);
      expect(of(cells, 3).tau2_DerSimonianLaird).toBeCloseTo(9 * plain.tau2_DerSimonianLaird, 8);
      expect(of(cells, 3).p).toBeCloseTo(plain.p, 8);
      plain.shrunk.forEach((x, i) => {
        expect(Math.abs(x - plain.pooled)).toBeLessThanOrEqual(Math.abs(cells[i][0] - plain.pooled) + 1e-9);
      });
    }),
  );
  expect(heterogeneity([0.3], [0.1])).toMatchObject({ pooled: 0.3, Q: 0, p: 1, I2: 0, shrunk: [0.3] });
});

test('shrunk effects are closer to the truth than the plain ones', () => {
  const generator = random('cells');
  let [plain, shrunk] = [0, 0];
  for (let run = 0; run < 200; run++) {
    const truth = Array.from({ length: 12 }, () => 0.01 + 0.01 * generator.normal());
    const estimates = truth.map((x) => x + 0.01 * generator.normal());
    const { shrunk: drawn } = heterogeneity(
      estimates,
      truth.map(() => 0.01),
    );
    truth.forEach((x, i) => {
      plain += (estimates[i] - x) ** 2;
      shrunk += (drawn[i] - x) ** 2;
    });
  }
  expect(shrunk / plain).toBeLessThan(0.7);
});
