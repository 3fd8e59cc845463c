/** Replay estimators: unbiased by exact enumeration of all logs, and their intervals. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import {
  ASSUMPTIONS,
  type BanditLog,
  bootstrapIntervals,
  cascadeDr,
  doublyRobust,
  estimate,
  ips,
  orderMarginals,
  orderPropensity,
  positionIps,
  positionWeights,
  selfNormalisedPositionIps,
  sips,
  snips,
} from '../../../src/evaluate/replay/index.ts';
import { normalBelow, normalQuantile } from '../../../src/evaluate/significance/index.ts';
import { orders } from './orders.ts';

const chances = (n: number) =>
  fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: n, maxLength: n })
    .map((parts) => parts.map((part) => part / parts.reduce((sum, x) => sum + x)));
const rewards = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });

describe('single choices', () => {
  test('IPS and DR are unbiased over all actions of the logging policy, DR with any model', () => {
    fc.assert(
      fc.property(chances(3), chances(3), rewards, rewards, (logging, judged, reward, model) => {
        const truth = judged.reduce((sum, p, a) => sum + p * reward[a], 0);
        const expected = (of: (log: BanditLog) => number) =>
          logging.reduce(
            (sum, p, a) => sum + p * of({ action: [a], reward: [reward[a]], loggingPropensity: [p], target: [judged] }),
            0,
          );
        expect(expected((log) => estimate(ips(log)))).toBeCloseTo(truth, 10);
        expect(expected((log) => estimate(doublyRobust(log, [model])))).toBeCloseTo(truth, 10);
      }),
    );
  });

  test('the serving policy itself is judged as it was: weights of 1', () => {
    const target = [
      [0.5, 0.5],
      [0.2, 0.8],
    ];
    const log = { action: [1, 0], reward: [3, 1], loggingPropensity: [0.5, 0.2], target };
    expect(estimate(ips(log))).toBe(2);
    expect(estimate(snips(log))).toBe(2);
  });

  test('SNIPS does not see a constant added to the propensities; a reward added to all adds to it', () => {
    const log = {
      action: [0, 1, 0],
      reward: [1, 0, 4],
      loggingPropensity: [0.4, 0.6, 0.4],
      target: [
        [0.9, 0.1],
        [0.9, 0.1],
        [0.9, 0.1],
      ],
    };
    const more = { ...log, reward: log.reward.map((r) => r + 5) };
    expect(estimate(snips(more))).toBeCloseTo(estimate(snips(log)) + 5, 10);
    const halved = { ...log, loggingPropensity: log.loggingPropensity.map((p) => p / 2) };
    expect(estimate(snips(halved))).toBeCloseTo(estimate(snips(log)), 10);
  });

  test('propensities that cannot be are refused', () => {
    const log = { action: [0], reward: [1], loggingPropensity: [0], target: [[1]] };
    expect(() => ips(log)).toThrow('a logged propensity is in (0, 1], found 0');
  });
});

describe('lists of three out of four, over all orders of the logging policy', () => {
  const scores = fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 4, maxLength: 4 });
  const all = orders(4, 3);

  /** The log that holds each order once, and the chance of each under both policies. */
  function logOf(
    logging: readonly number[],
    judged: readonly number[],
    reward: (order: readonly number[], k: number) => number,
  ) {
    const [of, to] = [logging, judged].map((s) => all.map((order) => orderPropensity(s, order)));
    const [marginalOf, marginalTo] = [logging, judged].map((s) => orderMarginals(s, 3));
    const itemPosition = (m: readonly number[][]) => all.map((order) => order.map((item, k) => m[item][k]));
    return {
      rewards: all.map((order) => order.map((_, k) => reward(order, k))),
      chance: of.map(({ joint }) => joint),
      truth: all.reduce((sum, order, i) => sum + to[i].joint * order.reduce((r, _, k) => r + reward(order, k), 0), 0),
      joint: [of.map(({ joint }) => joint), to.map(({ joint }) => joint)] as const,
      cascade: [of.map(({ cascade }) => cascade), to.map(({ cascade }) => cascade)] as const,
      itemPosition: [itemPosition(marginalOf), itemPosition(marginalTo)] as const,
    };
  }

  /** Mean of a per-list column under the logging policy. */
  const expectation = (chance: readonly number[], column: ArrayLike<number>) =>
    chance.reduce((sum, p, i) => sum + p * column[i], 0);

  test('each estimator is unbiased where its assumption holds', () => {
    fc.assert(
      fc.property(scores, scores, scores, (logging, judged, appeal) => {
        // Item and position alone; and a reader who goes down and tires of what was seen.
        const independent = logOf(logging, judged, (order, k) => appeal[order[k]] / (k + 1));
        const cascading = logOf(
          logging,
          judged,
          (order, k) => appeal[order[k]] - (k > 0 ? 0.5 * appeal[order[k - 1]] : 0),
        );
        const upwards = logOf(logging, judged, (order, k) => appeal[order[k]] * (k < 2 ? appeal[order[k + 1]] : 1));
        expect(
          expectation(independent.chance, positionIps(independent.rewards, independent.itemPosition).columns[0]),
        ).toBeCloseTo(independent.truth, 9);
        for (const log of [independent, cascading])
          expect(expectation(log.chance, positionIps(log.rewards, log.cascade).columns[0])).toBeCloseTo(log.truth, 9);
        for (const log of [independent, cascading, upwards])
          expect(expectation(log.chance, sips(log.rewards, log.joint).columns[0])).toBeCloseTo(log.truth, 9);
        // Cascade-DR with a wrong model whose expectation is taken under the judged policy.
        const q = (item: number) => 0.3 * item - 0.2;
        const shown = all.map((order) => order.map(q));
        const expected = all.map((order) => order.map((_, k) => stepExpectation(judged, order.slice(0, k), q)));
        expect(
          expectation(
            cascading.chance,
            cascadeDr(cascading.rewards, cascading.cascade, { qShown: shown, qExpected: expected }).columns[0],
          ),
        ).toBeCloseTo(cascading.truth, 9);
      }),
      { numRuns: 30 },
    );
  });

  /** Expected q of the next item after those above. */
  function stepExpectation(judged: readonly number[], above: readonly number[], q: (item: number) => number): number {
    const left = [0, 1, 2, 3].filter((item) => !above.includes(item));
    const total = left.reduce((sum, item) => sum + Math.exp(judged[item]), 0);
    return left.reduce((sum, item) => sum + (Math.exp(judged[item]) / total) * q(item), 0);
  }

  test('weights have mean 1 under the logging policy', () => {
    fc.assert(
      fc.property(scores, scores, (logging, judged) => {
        const log = logOf(logging, judged, () => 1);
        for (const weights of [positionWeights(log.cascade), positionWeights(log.itemPosition)])
          for (const k of [0, 1, 2])
            expect(
              expectation(
                log.chance,
                weights.map((of) => of[k]),
              ),
            ).toBeCloseTo(1, 9);
      }),
      { numRuns: 30 },
    );
  });

  test('an estimate with an assumption that does not hold is biased: assumptions are named', () => {
    const log = logOf([0, 0, 0, 0], [2, 1, 0, -1], (order, k) => (k > 0 && order[k - 1] < order[k] ? 1 : 0));
    const iips = expectation(log.chance, positionIps(log.rewards, log.itemPosition).columns[0]);
    expect(Math.abs(iips - log.truth)).toBeGreaterThan(0.05);
    expect(ASSUMPTIONS.iips).toMatch(/item and the position alone/);
  });

  test('lists of different lengths', () => {
    const [reward, propensity] = [
      [[1, 1], [1]],
      [
        [[0.5, 0.5], [0.5]],
        [[0.5, 0.5], [0.5]],
      ] as const,
    ];
    expect(estimate(positionIps(reward, propensity))).toBe(1.5);
    expect(estimate(selfNormalisedPositionIps(reward, propensity))).toBe(1.5);
  });
});

describe('intervals', () => {
  test('count users, not rows: doubled rows of the same users make nothing surer', () => {
    const generator = random('intervals');
    const values = Array.from({ length: 300 }, () => generator.normal());
    const log = (times: number): BanditLog => ({
      action: new Array<number>(300 * times).fill(0),
      reward: Array.from({ length: 300 * times }, (_, i) => values[i % 300]),
      loggingPropensity: new Array<number>(300 * times).fill(1),
      target: new Array<number[]>(300 * times).fill([1]),
    });
    const seOf = (times: number) =>
      bootstrapIntervals(
        { ips: ips(log(times)) },
        Array.from({ length: 300 * times }, (_, i) => i % 300),
        { resamples: 300 },
      ).ips.se;
    expect(seOf(4)).toBeCloseTo(seOf(1), 6);
    expect(seOf(1) * Math.sqrt(300)).toBeGreaterThan(0.85);
    expect(seOf(1) * Math.sqrt(300)).toBeLessThan(1.15);
  });

  test('ends are those of BCa: computed again from all draws and from each unit left out', () => {
    const generator = random('bca');
    const values = Array.from({ length: 25 }, () => Math.exp(generator.normal()));
    const units = values.map((_, i) => i);
    const of = (column: number[]) =>
      bootstrapIntervals({ mean: { columns: [column], value: ([m]) => m } }, units, { resamples: 400, seed: 3 }).mean;
    const draws = Array.from({ length: 400 }, (_, i) => {
      const draw = random('replay-bootstrap', 3, i);
      return values.reduce((sum) => sum + values[draw.below(25)], 0) / 25;
    }).sort((a, b) => a - b);
    const estimated = values.reduce((a, b) => a + b) / 25;
    const z0 = normalQuantile(draws.filter((x) => x < estimated).length / 400);
    const influence = values.map((x) => (x - estimated) / 24);
    const cubes = influence.reduce((sum, x) => sum + x ** 3, 0);
    const a = cubes / (6 * influence.reduce((sum, x) => sum + x ** 2, 0) ** 1.5);
    const { low, high, estimate: found } = of(values);
    expect(found).toBeCloseTo(estimated, 12);
    for (const [end, z] of [
      [low, -1.959964],
      [high, 1.959964],
    ]) {
      const at = 399 * normalBelow(z0 + (z0 + z) / (1 - a * (z0 + z)));
      const below = draws[Math.floor(at)];
      expect(end).toBeCloseTo(below + (at % 1) * (draws[Math.floor(at) + 1] - below), 5);
    }
    // Skewed to the right: the interval reaches further there. Turned round, it is turned round.
    expect(high - found).toBeGreaterThan(1.3 * (found - low));
    const turned = of(values.map((x) => -x));
    expect([-turned.high, -turned.low]).toEqual([expect.closeTo(low, 9), expect.closeTo(high, 9)]);
  });

  test('wider confidence, wider interval; the same seed, the same interval', () => {
    const log = {
      action: [0, 1, 0, 1],
      reward: [1, 0, 1, 1],
      loggingPropensity: [0.5, 0.5, 0.5, 0.5],
      target: new Array<number[]>(4).fill([0.8, 0.2]),
    };
    const of = (confidence: number) => bootstrapIntervals({ snips: snips(log) }, [0, 1, 2, 3], { confidence }).snips;
    expect(of(0.99).low).toBeLessThanOrEqual(of(0.8).low);
    expect(of(0.9)).toEqual(of(0.9));
  });
});
