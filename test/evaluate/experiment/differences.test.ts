/** Tests of two arms: closed forms, invariances, and small simulations with known truth. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import {
  addSums,
  clusteredRatio,
  designEffect,
  fiellerInterval,
  momentsOf,
  nonInferiority,
  proportionMoments,
  ratioMoments,
  ratioSumsOf,
  sequentialGuardrail,
  sumsOf,
  welchTest,
} from '../../../src/evaluate/experiment/index.ts';

const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 30 });
const scale = fc.double({ min: 0.1, max: 10, noNaN: true });
/** Do not vary by so little that rounding decides. */
const spread = (of: number[]): boolean => momentsOf(sumsOf(of)).variance > 1e-3;
const near = (found: number, expected: number, digits = 7): void =>
  expect(Math.abs(found - expected)).toBeLessThan(10 ** -digits * Math.max(1, Math.abs(expected)));

describe('sums', () => {
  test('add up over any split of the units', () => {
    fc.assert(
      fc.property(values, values, fc.nat(30), (m, d, cut) => {
        const n = Math.min(m.length, d.length);
        const [all, at] = [ratioSumsOf(m.slice(0, n), d.slice(0, n)), Math.min(cut, n)];
        const parts = [ratioSumsOf(m.slice(0, at), d.slice(0, at)), ratioSumsOf(m.slice(at, n), d.slice(at, n))];
        const sum = addSums(parts);
        for (const key of Object.keys(all) as (keyof typeof all)[]) near(sum[key], all[key]);
      }),
    );
  });
});

describe("Welch's test", () => {
  test('does not see units of measure; swapping arms turns the sign', () => {
    fc.assert(
      fc.property(values.filter(spread), values.filter(spread), scale, (x, y, factor) => {
        const test = welchTest(momentsOf(sumsOf(x)), momentsOf(sumsOf(y)));
        const scaled = welchTest(
          momentsOf(sumsOf(x.map((v) => factor * v))),
          momentsOf(sumsOf(y.map((v) => factor * v))),
        );
        near(scaled.p, test.p, 6);
        near(scaled.estimate, factor * test.estimate, 6);
        near(scaled.high, factor * test.high, 6);
        const swapped = welchTest(momentsOf(sumsOf(y)), momentsOf(sumsOf(x)));
        near(swapped.estimate, -test.estimate);
        near(swapped.p, test.p);
        expect(test.p < 0.05).toBe(test.low > 0 || test.high < 0);
      }),
    );
  });

  test('a relative difference does not see the unit of measure at all', () => {
    const of = (factor: number) => [2, 3, 4, 7].map((x) => factor * x);
    const test = (factor: number) =>
      welchTest(momentsOf(sumsOf(of(factor))), momentsOf(sumsOf(of(1.5 * factor))), { relative: true });
    near(test(1).estimate, 0.5);
    near(test(3).se, test(1).se);
  });

  test('nothing that varies: differences are certain', () => {
    const [same, other] = [momentsOf(sumsOf([2, 2, 2])), momentsOf(sumsOf([3, 3, 3]))];
    expect(welchTest(same, same)).toMatchObject({ estimate: 0, se: 0, p: 1, low: 0, high: 0 });
    expect(welchTest(same, other)).toMatchObject({ estimate: 1, se: 0, p: 0, low: 1, high: 1 });
  });
});

describe("Fieller's interval", () => {
  test('agrees with the delta method where the mean of a is certain, and is refused where it may be 0', () => {
    const [a, b] = [
      { n: 100_000, mean: 10, variance: 4 },
      { n: 100_000, mean: 10.1, variance: 5 },
    ];
    const { low, high } = welchTest(a, b, { relative: true });
    const fieller = fiellerInterval(a, b);
    near(fieller?.low as number, low, 5);
    near(fieller?.high as number, high, 5);
    expect(fiellerInterval({ n: 10, mean: 0.1, variance: 4 }, b)).toBeUndefined();
  });
});

describe('ratios', () => {
  const clicks = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 5, max: 12 })), { minLength: 4, maxLength: 20 });

  test('with one impression each are means', () => {
    fc.assert(
      fc.property(values, (m) => {
        const [ratio, plain] = [
          ratioMoments(
            ratioSumsOf(
              m,
              m.map(() => 1),
            ),
          ),
          momentsOf(sumsOf(m)),
        ];
        near(ratio.mean, plain.mean);
        near(ratio.variance, plain.variance, 6);
      }),
    );
  });

  test('delta method equals the cluster-robust sandwich', () => {
    fc.assert(
      fc.property(clicks, clicks, (x, y) => {
        const [a, b] = [x, y].map((arm) =>
          ratioSumsOf(
            arm.map(([c]) => c),
            arm.map(([, n]) => n),
          ),
        );
        const { seCR0, seDelta_ddof0, seCR1 } = clusteredRatio(a, b);
        near(seDelta_ddof0, seCR0, 8);
        expect(seCR1).toBeGreaterThanOrEqual(seCR0);
      }),
    );
  });

  test('of clustered clicks vary more than binomial ones, of independent ones as much', () => {
    const generator = random('design effect');
    const of = (rate: () => number) =>
      designEffect(
        ratioSumsOf(
          Array.from({ length: 3000 }, () => {
            const p = rate();
            return Array.from({ length: 10 }, () => Number(generator.uniform() < p)).reduce((sum, x) => sum + x);
          }),
          new Array<number>(3000).fill(10),
        ),
      );
    // Rates 0 or 0.6 of a user: variance within 0.6 x 0.4 / 2, between 0.09, so 1 + 9 x 0.09 / 0.21.
    expect(of(() => 0.6 * Number(generator.uniform() < 0.5))).toBeCloseTo(1 + (9 * 0.09) / 0.21, 0);
    expect(Math.abs(of(() => 0.3) - 1)).toBeLessThan(0.1);
  });
});

describe('guardrails', () => {
  test('at any time are stricter than at one look, and tell lost from open', () => {
    const [a, same, worse] = [2000, 1990, 1500].map((sum) => proportionMoments({ n: 40_000, sum }));
    const margin = { absolute: -0.003 };
    const [once, always] = [nonInferiority(a, same, margin), sequentialGuardrail(a, same, margin)];
    expect(always.lower).toBeLessThan(once.lower95one);
    expect(always).toMatchObject({ estimate: once.estimate, inferior: false });
    expect(sequentialGuardrail(a, worse, margin)).toMatchObject({ notInferior: false, inferior: true });
    expect(sequentialGuardrail(a, same, { relative: -0.2 }).notInferior).toBe(true);
  });

  test('a wider margin is easier to hold; at an endless one everything is not inferior', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.nat(1000),
        fc.double({ min: 0, max: 0.2, noNaN: true }),
        scale,
        (x, y, margin, more) => {
          const [a, b] = [x, y].map((sum) => proportionMoments({ n: 1000, sum }));
          const [tight, wide] = [margin, margin * (1 + more)].map((m) => nonInferiority(a, b, { absolute: -m }));
          expect(wide.p).toBeLessThanOrEqual(tight.p + 1e-12);
          if (tight.notInferior) expect(wide.notInferior).toBe(true);
          expect(nonInferiority(a, b, { absolute: -2 }).notInferior).toBe(true);
        },
      ),
    );
  });

  test('a relative margin is the absolute one where the mean of a is certain', () => {
    const a = { n: 1e9, mean: 0.2, variance: 0.16 };
    const b = proportionMoments({ n: 20_000, sum: 3950 });
    const relative = nonInferiority(a, b, { relative: -0.05 });
    const absolute = nonInferiority(a, b, { absolute: -0.01 });
    near(relative.p, absolute.p, 4);
    near(relative.lower95one, absolute.lower95one / 0.2, 4);
  });
});
