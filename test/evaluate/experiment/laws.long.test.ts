/** What the statistics of experiments promise, by simulation. Figures are printed; docs/statistics.md quotes them. */
import { describe, test } from 'vitest';
import type { Random } from '../../../src/base/random.ts';
import {
  bernoulliSequence,
  clusteredRatio,
  cupedTest,
  eBenjaminiHochberg,
  lanDeMets,
  momentsOf,
  nonInferiority,
  type PreSums,
  proportionMoments,
  ratioMoments,
  ratioSumsOf,
  SRM_LEVEL,
  type Sums,
  sequentialGuardrail,
  sequentialSrm,
  sequentialTest,
  srmTest,
  welchTest,
} from '../../../src/evaluate/experiment/index.ts';
import { expectBetween, shareOf, upTo } from '../simulation.ts';

/** Adds units with a skewed value: most spend nothing, some an exponential amount. */
function spend(sums: Sums, units: number, share: number, generator: Random): void {
  sums.n += units;
  for (let i = 0; i < units; i++) {
    if (generator.uniform() >= share) continue;
    const value = -Math.log(1 - generator.uniform());
    sums.sum += value;
    sums.sumSquares += value ** 2;
  }
}

const none = (): Sums => ({ n: 0, sum: 0, sumSquares: 0 });

/** Does a decision come at any look, every 100 units up to 20,000? */
function anyLook(
  generator: Random,
  [shareA, shareB]: readonly [number, number],
  decides: (a: Sums, b: Sums) => boolean,
): boolean {
  const [a, b] = [none(), none()];
  for (let look = 1; look <= 200; look++) {
    spend(a, 50, shareA, generator);
    spend(b, 50, shareB, generator);
    if (a.n >= 100 && decides(a, b)) return true;
  }
  return false;
}

describe('looking after every 100 units, 2,000 runs of 200 looks', () => {
  const runs = 2000;

  test('A/A: the sequence keeps its level, a t test does not', () => {
    const sequence = shareOf('aa', runs, (generator) =>
      anyLook(generator, [0.3, 0.3], (a, b) => sequentialTest(momentsOf(a), momentsOf(b)).p <= 0.05),
    );
    expectBetween('false positives, confidence sequence', sequence, 0, upTo(0.05, runs));
    const t = shareOf('aa', runs, (generator) =>
      anyLook(generator, [0.3, 0.3], (a, b) => {
        const { estimate, se } = sequentialTest(momentsOf(a), momentsOf(b));
        return Math.abs(estimate) > 1.96 * se;
      }),
    );
    expectBetween('false positives, t test at every look', t, 0.3, 0.6);
  });

  test('A/B: all intervals of a run cover the truth together', () => {
    const missed = shareOf('ab', runs, (generator) =>
      anyLook(generator, [0.3, 0.33], (a, b) => {
        const { low, high } = sequentialTest(momentsOf(a), momentsOf(b));
        return low > 0.03 || high < 0.03;
      }),
    );
    expectBetween('coverage over all looks, confidence sequence', 1 - missed, 1 - upTo(0.05, runs), 1);
  });

  test('a guardrail exactly at its margin rarely passes, or is rolled back, at any look', () => {
    const margin = { absolute: -0.03 };
    const decided = (of: 'notInferior' | 'inferior') =>
      shareOf('guardrail', runs, (generator) =>
        anyLook(generator, [0.33, 0.3], (a, b) => sequentialGuardrail(momentsOf(a), momentsOf(b), margin)[of]),
      );
    expectBetween('guardrail at its margin, passed at any of 200 looks', decided('notInferior'), 0, upTo(0.05, runs));
    expectBetween('guardrail at its margin, rolled back at any of 200 looks', decided('inferior'), 0, upTo(0.05, runs));
  });

  test('shares: the Bernoulli sequence covers together, from the first unit on', () => {
    const missed = shareOf('bernoulli', runs, (generator) => {
      let successes = 0;
      for (let n = 1; n <= 2000; n++) {
        successes += Number(generator.uniform() < 0.03);
        if (n % 20 !== 0) continue;
        const { low, high } = bernoulliSequence(successes, n, { tOpt: 500 });
        if (low > 0.03 || high < 0.03) return true;
      }
      return false;
    });
    expectBetween('coverage over all looks, Bernoulli sequence', 1 - missed, 1 - upTo(0.05, runs), 1);
  });
});

test('group sequential: five looks keep the level, and cost few points of power', () => {
  const runs = 20_000;
  const looks = [0.2, 0.4, 0.6, 0.8, 1];
  const { z } = lanDeMets(looks);
  const stops = (generator: Random, drift: number, bounds: readonly number[]): boolean => {
    let [sum, before] = [0, 0];
    return looks.some((t, i) => {
      sum += drift * (t - before) + Math.sqrt(t - before) * generator.normal();
      before = t;
      return Math.abs(sum) / Math.sqrt(t) >= bounds[i];
    });
  };
  const fixed = looks.map((t) => (t === 1 ? 1.959964 : Number.POSITIVE_INFINITY));
  expectBetween(
    "false positives, O'Brien-Fleming",
    shareOf('gs', runs, (g) => stops(g, 0, z)),
    0.045,
    upTo(0.05, runs),
  );
  const power = shareOf('gs power', runs, (g) => stops(g, 2.8016, z));
  expectBetween("power, O'Brien-Fleming", power, 0.77, 0.82);
  expectBetween(
    'power, one test at the end',
    shareOf('gs power', runs, (g) => stops(g, 2.8016, fixed)),
    0.79,
    0.81,
  );
});

describe('SRM', () => {
  /** Units of an arm after a loss, as a normal approximation of the binomial. */
  const split = (units: number, lost: number, generator: Random): [number, number] => {
    const a = Math.round(units / 2 + (Math.sqrt(units) / 2) * generator.normal());
    return [a, Math.round((units - a) * (1 - lost))];
  };

  test('false alarms of one look, and of looks after every 1,000 units', () => {
    const runs = 20_000;
    const once = shareOf('srm', runs, (g) => srmTest(split(200_000, 0, g), [1, 1]).p < SRM_LEVEL);
    expectBetween('SRM false alarms, one look', once, 0, upTo(0.001, runs));
    const often = shareOf('ssrm', 4000, (generator) => {
      const counts = [0, 0];
      for (let look = 0; look < 200; look++) {
        const [a, b] = split(1000, 0, generator);
        counts[0] += a;
        counts[1] += b;
        if (sequentialSrm(counts, [1, 1]).p < SRM_LEVEL) return true;
      }
      return false;
    });
    expectBetween('SRM false alarms, sequential, 200 looks', often, 0, upTo(0.001, 4000));
  });

  test('losses that are found', () => {
    const found = (units: number, lost: number, of: (counts: number[]) => number) =>
      shareOf(`loss ${units} ${lost}`, 2000, (g) => of(split(units, lost, g)) < SRM_LEVEL);
    const fixed = (counts: number[]) => srmTest(counts, [1, 1]).p;
    const sequential = (counts: number[]) => sequentialSrm(counts, [1, 1]).p;
    expectBetween('1 % lost of one arm, 200,000 units, found by chi-square', found(200_000, 0.01, fixed), 0.1, 0.2);
    expectBetween('1 % lost of one arm, 1,000,000 units, found by chi-square', found(1_000_000, 0.01, fixed), 0.93, 1);
    expectBetween(
      '1 % lost of one arm, 1,000,000 units, found sequentially',
      found(1_000_000, 0.01, sequential),
      0.7,
      0.82,
    );
    expectBetween('2 % lost of one arm, 200,000 units, found by chi-square', found(200_000, 0.02, fixed), 0.85, 0.93);
    expectBetween(
      '2 % lost of one arm, 200,000 units, found sequentially',
      found(200_000, 0.02, sequential),
      0.6,
      0.95,
    );
  });
});

describe('95 % intervals at one look', () => {
  const runs = 2000;

  test('rates of clustered clicks: ours cover, the binomial ones do not', () => {
    const arm = (generator: Random) => {
      const impressions = Array.from({ length: 400 }, () => 1 + generator.below(30));
      // A user's rate is 0 or 0.4: clicks of one user are alike.
      const clicks = impressions.map((n) => {
        const rate = 0.4 * Number(generator.uniform() < 0.25);
        let sum = 0;
        for (let i = 0; i < n; i++) sum += Number(generator.uniform() < rate);
        return sum;
      });
      return ratioSumsOf(clicks, impressions);
    };
    let naive = 0;
    const ours = shareOf('ratio', runs, (generator) => {
      const [a, b] = [arm(generator), arm(generator)];
      const { difference, seNaiveBinomial } = clusteredRatio(a, b);
      if (Math.abs(difference) <= 1.96 * seNaiveBinomial) naive++;
      const { low, high } = welchTest(ratioMoments(a), ratioMoments(b));
      return low <= 0 && 0 <= high;
    });
    expectBetween('coverage, delta method by user', ours, 0.93, 0.97);
    expectBetween('coverage, binomial over impressions', naive / runs, 0, 0.9);
  });

  test('CUPED, relative: covers, with a fraction of the variance', () => {
    let ratio = 0;
    const arm = (generator: Random, effect: number): PreSums => {
      const out = { n: 600, sum: 0, sumSquares: 0, preSum: 0, preSumSquares: 0, products: 0 };
      for (let i = 0; i < 600; i++) {
        const x = 5 + generator.normal();
        const y = 2 + 0.7 * x + generator.normal() + effect;
        out.sum += y;
        out.sumSquares += y * y;
        out.preSum += x;
        out.preSumSquares += x * x;
        out.products += x * y;
      }
      return out;
    };
    const covered = shareOf('cuped', runs, (generator) => {
      const test = cupedTest(arm(generator, 0), arm(generator, 0.11), { relative: true });
      ratio += test.varianceRatio / runs;
      return test.low <= 0.02 && 0.02 <= test.high; // 0.11 of 2 + 0.7 x 5
    });
    expectBetween('coverage, CUPED relative', covered, 0.93, 0.97);
    expectBetween('variance left by CUPED', ratio, 0.65, 0.69); // 1 / (1 + 0.49)
  });

  test('guardrails: a treatment exactly at the margin passes in 5 % of runs', () => {
    const passed = shareOf('margin', 4000, (generator) => {
      const count = (rate: number) =>
        proportionMoments({
          n: 20_000,
          sum: Math.round(20_000 * rate + Math.sqrt(20_000 * rate * (1 - rate)) * generator.normal()),
        });
      return nonInferiority(count(0.05), count(0.046), { absolute: -0.004 }).notInferior;
    });
    expectBetween('guardrail passed exactly at its margin', passed, 0.04, upTo(0.05, 4000));
  });
});

test('e-BH over 24 cells with shared users, looked at at random times', () => {
  const runs = 2000;
  let discoveries = 0;
  let shareFalse = 0;
  shareOf('cells', runs, (generator) => {
    const units = 500 + generator.below(20_000);
    const common = generator.normal();
    const e = Array.from({ length: 24 }, (_, cell) => {
      const noise = Math.sqrt(0.5) * common + Math.sqrt(0.5) * generator.normal();
      const effect = cell < 6 ? 0.1 : 0;
      const arm = (mean: number) => ({ n: units, mean, variance: 1 });
      return Math.exp(sequentialTest(arm(0), arm(effect + noise * Math.sqrt(2 / units))).logE);
    });
    const rejected = eBenjaminiHochberg(e);
    const wrong = rejected.filter((cell) => cell >= 6).length;
    discoveries += rejected.length - wrong;
    shareFalse += wrong / Math.max(rejected.length, 1);
    return false;
  });
  expectBetween('false discoveries of e-BH, cells that depend', shareFalse / runs, 0, 0.05);
  expectBetween('true effects found by e-BH', discoveries / (6 * runs), 0.3, 1);
});
