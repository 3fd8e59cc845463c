/** Looking more than once: sequences, boundaries, SRM. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import {
  bernoulliSequence,
  detectableEffect,
  lanDeMets,
  SRM_LEVEL,
  sequentialRefusal,
  sequentialSrm,
  sequentialSrmStream,
  sequentialTest,
  spent,
  srmTest,
  stoppingChances,
  unitsForMeans,
  unitsForSequence,
  unitsForShares,
  unitsInSeveralArms,
  widthFactor,
} from '../../../src/evaluate/experiment/index.ts';
import { normalCritical } from '../../../src/evaluate/significance/distributions.ts';

describe('confidence sequences', () => {
  const arms = fc.record({
    n: fc.integer({ min: 100, max: 1e6 }),
    mean: fc.double({ min: -2, max: 2, noNaN: true }),
    variance: fc.double({ min: 0.01, max: 9, noNaN: true }),
  });

  test('are wider than a fixed interval, exclude 0 exactly when p is at most alpha, and do not see units of measure', () => {
    fc.assert(
      fc.property(arms, arms, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, factor) => {
        const test = sequentialTest(a, b);
        expect(test.halfWidth).toBeGreaterThan(normalCritical(0.05) * test.se);
        if (Math.abs(test.p - 0.05) > 1e-9) expect(test.p < 0.05).toBe(test.low > 0 || test.high < 0);
        const scaled = sequentialTest(
          { ...a, mean: factor * a.mean, variance: factor ** 2 * a.variance },
          { ...b, mean: factor * b.mean, variance: factor ** 2 * b.variance },
        );
        expect(scaled.logE).toBeCloseTo(test.logE, 6);
      }),
    );
  });

  test('are tightest about where they are tuned, against the law of the iterated logarithm', () => {
    const cost = (n: number, tuning: number) => widthFactor(n, { tuning }) / widthFactor(n, { tuning: n });
    for (const n of [500, 5000, 500_000]) for (const off of [0.2, 5]) expect(cost(n, off * n)).toBeGreaterThan(1);
    expect(widthFactor(5000)).toBeCloseTo(3.035, 3);
  });

  test('a smaller alpha widens them; one side alone is narrower', () => {
    expect(widthFactor(3000, { alpha: 0.01 })).toBeGreaterThan(widthFactor(3000, { alpha: 0.05 }));
    expect(widthFactor(3000, { sides: 1 })).toBeLessThan(widthFactor(3000, { sides: 2 }));
  });

  test('say nothing of a few units', () => {
    expect(sequentialRefusal({ n: 100 }, { n: 100 })).toBeUndefined();
    expect(sequentialRefusal({ n: 5000 }, { n: 99 })).toBe(
      'an arm has 99 units, expected at least 100: the sequence holds for many units only',
    );
  });
});

describe('Bernoulli sequences', () => {
  test('hold the observed share, mirror, and shrink', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const successes = Math.round(share * trials);
        const { low, high } = bernoulliSequence(successes, trials, { tOpt: 100 });
        expect(low).toBeLessThanOrEqual(successes / trials);
        expect(high).toBeGreaterThanOrEqual(successes / trials);
        const mirrored = bernoulliSequence(trials - successes, trials, { tOpt: 100 });
        expect(mirrored.low).toBeCloseTo(1 - high, 8);
        const wider = bernoulliSequence(successes, trials, { tOpt: 100, alpha: 0.01 });
        expect(wider.low).toBeLessThanOrEqual(low + 1e-12);
      }),
    );
    expect(bernoulliSequence(0, 0, { tOpt: 100 })).toEqual({ low: 0, high: 1 });
  });
});

describe('group-sequential boundaries', () => {
  test('one look is the fixed test; the looks spend what the function says', () => {
    expect(lanDeMets([1]).z[0]).toBeCloseTo(1.959964, 5);
    expect(lanDeMets([1], { sides: 1 }).z[0]).toBeCloseTo(1.644854, 5);
    for (const spending of ["O'Brien-Fleming", 'Pocock', { power: 2 }, { hwangShihDeCani: -4 }] as const) {
      const looks = [0.25, 0.5, 0.75, 1];
      const { cumulativeAlpha } = lanDeMets(looks, { spending });
      expect(cumulativeAlpha.map((alpha, i) => Math.abs(alpha - spent(looks[i], { spending })) < 1e-8)).toEqual(
        looks.map(() => true),
      );
    }
  });

  // As R's ldbounds prints them.
  test('Pocock-type spending gives nearly equal boundaries', () => {
    const { z } = lanDeMets([0.2, 0.4, 0.6, 0.8, 1], { spending: 'Pocock' });
    expect(z.map((bound) => bound.toFixed(4))).toEqual(['2.4380', '2.4268', '2.4102', '2.3966', '2.3860']);
  });

  test("rise in every look when alpha falls; O'Brien-Fleming falls from look to look", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), fc.double({ min: 0.005, max: 0.1, noNaN: true }), (n, alpha) => {
        const looks = Array.from({ length: n }, (_, i) => (i + 1) / n);
        const [strict, loose] = [alpha / 2, alpha].map((a) => lanDeMets(looks, { alpha: a }).z);
        expect(looks.every((_, i) => strict[i] > loose[i])).toBe(true);
        expect(loose.slice(1).every((z, i) => z < loose[i])).toBe(true);
        expect(loose.at(-1)).toBeGreaterThan(normalCritical(alpha) - 1e-6);
      }),
      { numRuns: 8 },
    );
  });

  test('power is within 5 points of a fixed test at the maximum, whose drift is 2.8', () => {
    const looks = [0.2, 0.4, 0.6, 0.8, 1];
    const { z } = lanDeMets(looks);
    expect(stoppingChances(looks, z, 0).at(-1)).toBeCloseTo(0.05, 6);
    const drift = normalCritical(0.05) + normalCritical(0.4); // 80 %
    const power = stoppingChances(looks, z, drift);
    expect(power.at(-1)).toBeGreaterThan(0.78);
    expect(power.at(-1)).toBeLessThan(0.8);
    expect(power[2]).toBeGreaterThan(0.3); // and it often ends early
  });

  test('looks that do not rise are refused', () => {
    expect(() => lanDeMets([0.5, 0.4])).toThrow('looks are rising shares of the maximum in (0, 1], found 0.5, 0.4');
    expect(() => lanDeMets([0.5, 1.2])).toThrow('looks are rising shares');
  });
});

describe('SRM', () => {
  const counts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 2, maxLength: 5 });

  test('an arm without weight and units changes nothing; with units nothing explains them', () => {
    fc.assert(
      fc.property(counts, (found) => {
        const weights = found.map((_, i) => i + 1);
        const plain = srmTest(found, weights);
        expect(srmTest([...found, 0], [...weights, 0]).p).toBeCloseTo(plain.p, 12);
        expect(srmTest([...found, 1], [...weights, 0]).p).toBe(0);
        expect(sequentialSrm([...found, 0], [...weights, 0]).logBayesFactor).toBeCloseTo(
          sequentialSrm(found, weights).logBayesFactor,
          6,
        );
      }),
    );
  });

  test('order of arms and scale of weights do not matter', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0.1, max: 100, noNaN: true }), (found, factor) => {
        const weights = found.map((_, i) => i + 1);
        const { chi2 } = srmTest(found, weights);
        expect(
          srmTest(
            found.toReversed(),
            weights.toReversed().map((w) => factor * w),
          ).chi2 / (chi2 || 1),
        ).toBeCloseTo(chi2 === 0 ? 0 : 1, 8);
        const { logBayesFactor } = sequentialSrm(found, weights);
        expect(sequentialSrm(found.toReversed(), weights.toReversed()).logBayesFactor).toBeCloseTo(logBayesFactor, 6);
      }),
    );
  });

  test('small p keep their digits, none are none', () => {
    expect(Math.log10(srmTest([510_000, 500_000], [1, 1]).p)).toBeCloseTo(-22.6, 1);
    expect(srmTest([0, 0], [1, 1])).toEqual({ chi2: 0, p: 1 });
    expect(() => srmTest([1, 2], [1])).toThrow('2 arms have 1 weights');
    expect(() => srmTest([1, 2], [0, 0])).toThrow('weights are numbers of 0 or more');
  });

  test('batches add up: the last look is the test of all counts', () => {
    const stream = [
      [10, 12],
      [7, 3],
      [20, 25],
    ];
    const looks = sequentialSrmStream(stream, [0.5, 0.5], [1, 1]);
    const { logBayesFactor } = sequentialSrm([37, 40], [0.5, 0.5], [1, 1]);
    expect(looks[2].mixture - looks[2].fixed).toBeCloseTo(logBayesFactor, 10);
    expect(looks.slice(1).every(({ p }, i) => p <= looks[i].p)).toBe(true);
  });

  test('losses of one arm at 200,000 units: 2 % is found, 1 % (2.2 standard errors) is not yet', () => {
    const weights = [0.5, 0.5];
    expect(srmTest([100_000, 98_000], weights).p).toBeLessThan(SRM_LEVEL);
    expect(sequentialSrm([100_000, 98_000], weights).p).toBeLessThan(SRM_LEVEL);
    expect(srmTest([100_000, 99_000], weights).p).toBeCloseTo(0.025, 3);
    expect(sequentialSrm([500_000, 495_000], weights).p).toBeLessThan(SRM_LEVEL);
  });

  test('units in several arms', () => {
    const arms = Array.from({ length: 200 }, (_, i) => new Set(i < 3 ? [0, 1] : [i % 2]));
    expect(unitsInSeveralArms(arms)).toEqual({ units: 200, several: 3, share: 0.015, broken: true });
    expect(unitsInSeveralArms([]).broken).toBe(false);
  });
});

describe('planning', () => {
  test('closed forms agree, and undo each other', () => {
    const p = 0.05;
    const n = unitsForShares(p, 0.055);
    expect(unitsForMeans((p * 0.95 + 0.055 * 0.945) / 2, 0.005)).toBeCloseTo(n, 6);
    expect(detectableEffect(2, unitsForMeans(2, 0.1))).toBeCloseTo(0.1, 10);
    expect(unitsForShares(p, 0.055, { pooled: true })).toBeGreaterThan(n);
    expect(unitsForShares(p, 0.055, { power: 0.9 })).toBeGreaterThan(n);
    expect(unitsForShares(p, 0.055, { sides: 1 })).toBeLessThan(n);
  });

  test('a sequence needs more units than a fixed test, and finds the effect as often as planned', () => {
    const [variance, effect] = [1, 0.2];
    const units = Math.ceil(unitsForSequence(variance, effect));
    expect(units).toBeGreaterThan(unitsForMeans(variance, effect));
    const generator = random('plan');
    const runs = 400;
    let found = 0;
    for (let run = 0; run < runs; run++) {
      // The mean of an arm at the end; variances as they are.
      const arm = (mean: number) => ({ n: units, mean: mean + generator.normal() / Math.sqrt(units), variance });
      if (sequentialTest(arm(0), arm(effect)).low > 0) found++;
    }
    expect(found / runs).toBeGreaterThan(0.74);
    expect(found / runs).toBeLessThan(0.86);
  });
});
