/** CUPED of means and of ratios. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../../src/base/random.ts';
import {
  cupedTest,
  jointSumsOf,
  momentsOf,
  type PreSums,
  type Quadruple,
  ratioCupedTest,
  ratioSumsOf,
  sumsOf,
  welchTest,
} from '../../../src/evaluate/experiment/index.ts';

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 30 });
/** Do not vary by so little that rounding decides. */
const spread = (of: number[]): boolean => momentsOf(sumsOf(of)).variance > 1e-3;
const near = (found: number, expected: number, digits = 7): void =>
  expect(Math.abs(found - expected)).toBeLessThan(10 ** -digits * Math.max(1, Math.abs(expected)));

/** Sums of values and of what the same units did before. */
const preSumsOf = (y: readonly number[], x: readonly number[]): PreSums => ({
  ...sumsOf(y),
  preSum: sumsOf(x).sum,
  preSumSquares: sumsOf(x).sumSquares,
  products: ratioSumsOf(y, x).products,
});

describe('CUPED', () => {
  test('takes off what a pre-period explains: a known share of the variance, no bias', () => {
    const generator = random('cuped');
    const arm = (n: number, effect: number): PreSums => {
      const x = Array.from({ length: n }, () => 3 + generator.normal());
      return preSumsOf(
        x.map((before) => 1 + 0.8 * before + 0.6 * generator.normal() + effect),
        x,
      );
    };
    const [a, b] = [arm(20_000, 0), arm(20_000, 0.05)];
    const test = cupedTest(a, b);
    expect(test.theta).toBeCloseTo(0.8, 1);
    expect(test.varianceRatio).toBeCloseTo(0.36, 1); // 1 - 0.8^2
    expect(Math.abs(test.estimate - 0.05)).toBeLessThan(4 * test.se);
    expect(cupedTest(a, b, { relative: true }).estimate).toBeCloseTo(test.estimate / (a.sum / a.n), 10);
  });

  test('with a pre-period that never varies is the plain test', () => {
    fc.assert(
      fc.property(values.filter(spread), values.filter(spread), (y, z) => {
        const constant = (of: number[]) =>
          preSumsOf(
            of,
            of.map(() => 2),
          );
        const { theta, estimate, p } = cupedTest(constant(y), constant(z));
        const plain = welchTest(momentsOf(sumsOf(y)), momentsOf(sumsOf(z)));
        expect(theta).toBe(0);
        near(estimate, plain.estimate);
        near(p, plain.p);
      }),
    );
  });
});

describe('CUPED of ratios', () => {
  /** Users whose rate of clicks stays the same in both periods. */
  const arm = (generator: Random, users: number, effect: number): Quadruple[] =>
    Array.from({ length: users }, () => {
      const rate = 0.05 + 0.6 * generator.uniform();
      const clicks = (n: number, p: number): number =>
        Array.from({ length: n }, () => Number(generator.uniform() < p)).reduce((sum, x) => sum + x);
      const [now, before] = [5 + generator.below(10), 5 + generator.below(10)];
      return [clicks(now, rate + effect), now, clicks(before, rate), before];
    });

  test('finds a planted effect with less variance', () => {
    const generator = random('cuped ratio');
    const test = ratioCupedTest(jointSumsOf(arm(generator, 3000, 0)), jointSumsOf(arm(generator, 3000, 0.03)));
    expect(test?.varianceRatio).toBeLessThan(0.75);
    expect(Math.abs((test?.estimate as number) - 0.03)).toBeLessThan(4 * (test?.se as number));
  });

  test('with one impression each is CUPED of means, up to how theta is pooled; without a pre-period it is undefined', () => {
    const generator = random('cuped ratio of means');
    const users = (effect: number): Quadruple[] =>
      Array.from({ length: 4000 }, () => {
        const x = 3 + generator.normal();
        return [1 + x + generator.normal() + effect, 1, x, 1];
      });
    const [a, b] = [users(0), users(0.1)];
    const means = (of: Quadruple[]) =>
      preSumsOf(
        of.map(([y]) => y),
        of.map(([, , x]) => x),
      );
    const [ratio, plain] = [ratioCupedTest(jointSumsOf(a), jointSumsOf(b)), cupedTest(means(a), means(b))];
    near(ratio?.theta as number, plain.theta, 2);
    near(ratio?.estimate as number, plain.estimate, 2);
    near(ratio?.se as number, plain.se, 4);
    const without = jointSumsOf(a.map(([m, d]): Quadruple => [m, d, 0, 0]));
    expect(ratioCupedTest(without, without)).toBeUndefined();
  });
});
