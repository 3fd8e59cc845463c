import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  chiSquareTail,
  fairCoinsAtMost,
  normalCritical,
  normalTwoSided,
  studentCritical,
  studentTail,
  studentTwoSided,
} from '../../../src/evaluate/significance/distributions.ts';
import { logBeta, logGamma } from '../../../src/evaluate/significance/special.ts';

/** Relative distance. */
const off = (found: number, expected: number): number => Math.abs(found / expected - 1);

// Printed tables: Abramowitz and Stegun 26.1, 26.10; more digits from quad-precision arithmetic.
test.each([
  [1, 0.3173105078629141],
  [1.959963984540054, 0.05],
  [2.5758293035489004, 0.01],
  [5, 5.733031437583892e-7],
  [8, 1.2441921148543568e-15],
])('P(|Z| >= %d) = %d', (z, p) => {
  expect(off(normalTwoSided(z), p)).toBeLessThan(1e-10);
  expect(off(normalTwoSided(-z), p)).toBeLessThan(1e-10);
  expect(off(normalCritical(p), z)).toBeLessThan(1e-10);
});

test('with one degree of freedom t is a Cauchy number, with two it has a closed form', () => {
  for (const t of [0.1, 0.5, 1, 3, 12.706, 100]) {
    expect(off(studentTwoSided(t, 1), 1 - (2 / Math.PI) * Math.atan(t))).toBeLessThan(1e-10);
    expect(off(studentTwoSided(t, 2), 1 - t / Math.sqrt(2 + t * t))).toBeLessThan(1e-8);
  }
});

test.each([
  [2, 4.302652729749464],
  [4, 2.7764451051977987],
  [9, 2.2621571628540993],
  [30, 2.0422724563012373],
  [1e6, 1.9599663],
])('the 95 %% interval of %d degrees of freedom has %d standard errors', (df, t) => {
  expect(off(studentCritical(0.05, df), t)).toBeLessThan(df === 1e6 ? 1e-6 : 1e-9);
});

test('t equals the integral of its density', () => {
  const density = (t: number, df: number): number => (1 + (t * t) / df) ** (-(df + 1) / 2);
  const integral = (from: number, to: number, df: number): number => {
    const steps = 20_000;
    const h = (to - from) / steps;
    let sum = 0; // Simpson
    for (let i = 0; i <= steps; i++)
      sum += density(from + i * h, df) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
    return (sum * h) / 3;
  };
  for (const [t, df] of [
    [0.7, 3],
    [2.1, 7],
    [1.3, 40],
  ] as const) {
    const whole = integral(-200, 200, df);
    expect(studentTwoSided(t, df)).toBeCloseTo(1 - integral(-t, t, df) / whole, 5);
  }
});

test('tails fall, are symmetric, and quantiles undo them', () => {
  const df = fc.integer({ min: 1, max: 200 });
  const at = fc.double({ min: 0, max: 8, noNaN: true });
  fc.assert(
    fc.property(at, at, df, (a, b, n) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      expect(studentTwoSided(high, n)).toBeLessThanOrEqual(studentTwoSided(low, n) + 1e-15);
      expect(normalTwoSided(high)).toBeLessThanOrEqual(normalTwoSided(low) + 1e-15);
      expect(studentTwoSided(-a, n)).toBe(studentTwoSided(a, n));
      if (a > 1e-3) expect(off(studentCritical(studentTwoSided(a, n), n), a)).toBeLessThan(1e-6);
    }),
  );
});

test('chi-square tails of even degrees of freedom are sums of a Poisson distribution', () => {
  for (const x of [0.1, 1, 5, 30, 200, 1000]) {
    expect(off(chiSquareTail(x, 2), Math.exp(-x / 2))).toBeLessThan(1e-12);
    expect(off(chiSquareTail(x, 6), Math.exp(-x / 2) * (1 + x / 2 + (x / 2) ** 2 / 2))).toBeLessThan(1e-12);
  }
  expect(chiSquareTail(0, 3)).toBe(1);
  expect(off(chiSquareTail(11.344866730144373, 3), 0.01)).toBeLessThan(1e-10);
});

test('the gamma function keeps its recurrence, the beta function its own, for small and large numbers', () => {
  for (const x of [0.3, 1, 7.5, 63.2, 64, 1000.5, 1e6])
    expect(Math.abs(logGamma(x + 1) - logGamma(x) - Math.log(x))).toBeLessThan(1e-15 * Math.max(10, logGamma(x + 1)));
  expect(logGamma(101)).toBeCloseTo(363.73937555556347, 10); // ln 100!
  for (const [a, b] of [
    [0.5, 3],
    [70, 0.5],
    [5e5, 0.5],
    [3e6, 40],
  ]) {
    // B(a, b) = B(a + 1, b) (a + b) / a
    expect(Math.abs(logBeta(a, b) - logBeta(a + 1, b) - Math.log1p(b / a))).toBeLessThan(
      1e-12 * Math.max(1, -logBeta(a, b)),
    );
    expect(logBeta(b, a)).toBe(logBeta(a, b));
  }
});

test('coins: against sums of binomial coefficients; t with many degrees of freedom is normal', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
  for (const n of [1, 6, 21])
    for (let k = 0; k <= n; k++) {
      const sum = Array.from({ length: k + 1 }, (_, i) => choose(n, i)).reduce((total, c) => total + c);
      expect(off(fairCoinsAtMost(k, n), sum / 2 ** n)).toBeLessThan(1e-10);
    }
  expect(off(studentTail(2, 1e9), normalTwoSided(2) / 2)).toBeLessThan(1e-7);
  expect(studentTail(-1, 5) + studentTail(1, 5)).toBeCloseTo(1, 14);
});
