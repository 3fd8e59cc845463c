/** Replay of 200 simulated logs with known truth: bias and coverage of each estimator where its assumption holds. */
import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../../src/base/random.ts';
import {
  type BanditLog,
  banditWeights,
  bootstrapIntervals,
  cascadeDr,
  diagnose,
  doublyRobust,
  type Estimator,
  ips,
  orderMarginals,
  orderPropensity,
  positionIps,
  replayRefusals,
  selfNormalisedPositionIps,
  snips,
} from '../../../src/evaluate/replay/index.ts';
import { expectBetween } from '../simulation.ts';
import { orders } from './orders.ts';

const LOGS = 200;
const UNITS = 400;
const REQUESTS = 5;

interface Result {
  errors: number[];
  covered: number;
}

/** Judges all logs; checks mean error and coverage of each estimator. */
function judge<K extends string>(
  name: string,
  logOf: (generator: Random) => { estimators: Record<K, Estimator>; units: number[]; truth: number },
): void {
  const results = new Map<K, Result>();
  for (let log = 0; log < LOGS; log++) {
    const { estimators, units, truth } = logOf(random(name, log));
    const intervals = bootstrapIntervals(estimators, units, { resamples: 400, seed: log });
    for (const key of Object.keys(intervals) as K[]) {
      const { estimate, low, high } = intervals[key];
      const result = results.get(key) ?? { errors: [], covered: 0 };
      result.errors.push(estimate - truth);
      if (low <= truth && truth <= high) result.covered++;
      results.set(key, result);
    }
  }
  for (const [key, { errors, covered }] of results) {
    const mean = errors.reduce((sum, x) => sum + x, 0) / LOGS;
    const sd = Math.sqrt(errors.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (LOGS - 1));
    expectBetween(`${name}, ${key}: mean error in standard errors`, mean / (sd / Math.sqrt(LOGS)), -3, 3);
    expectBetween(`${name}, ${key}: coverage`, covered / LOGS, 0.92, 0.98);
  }
}

/** 400 users, five requests each; users differ in how often they click at all. */
function requests(generator: Random, one: (keenness: number, unit: number) => void): void {
  for (let unit = 0; unit < UNITS; unit++) {
    const keenness = 0.5 + generator.uniform();
    for (let request = 0; request < REQUESTS; request++) one(keenness, unit);
  }
}

const softmax = (scores: readonly number[]): number[] => {
  const total = scores.reduce((sum, s) => sum + Math.exp(s), 0);
  return scores.map((s) => Math.exp(s) / total);
};

function pick(chances: readonly number[], generator: Random): number {
  let left = generator.uniform();
  const at = chances.findIndex((chance) => {
    left -= chance;
    return left < 0;
  });
  return at < 0 ? chances.length - 1 : at;
}

describe('200 logs of 400 users with five requests each', () => {
  test('one of five actions', () => {
    const rates = [0.1, 0.2, 0.35, 0.15, 0.25];
    const [logging, judged] = [softmax([0.5, 0.2, -0.3, 0.4, 0]), softmax([-0.4, 0.1, 0.9, 0, 0.3])];
    const truth = judged.reduce((sum, p, action) => sum + p * rates[action], 0);
    judge('actions', (generator) => {
      const log = {
        action: [] as number[],
        reward: [] as number[],
        loggingPropensity: [] as number[],
        target: [] as number[][],
      };
      const units: number[] = [];
      requests(generator, (keenness, unit) => {
        const action = pick(logging, generator);
        log.action.push(action);
        log.reward.push(Number(generator.uniform() < rates[action] * keenness));
        log.loggingPropensity.push(logging[action]);
        log.target.push(judged);
        units.push(unit);
      });
      // A model with the right order and the wrong height.
      const model = log.action.map(() => rates.map((rate) => 0.05 + 0.8 * rate));
      expect(
        replayRefusals(diagnose({ weights: banditWeights(log), propensities: log.loggingPropensity, units })),
      ).toEqual([]);
      return { estimators: { ips: ips(log), snips: snips(log), dr: doublyRobust(log, model) }, units, truth };
    });
  });

  /** Four items, three shown in a random order; clicks by `rate` of the items so far. */
  function slates(
    name: string,
    kinds: readonly ('iips' | 'rips' | 'cascade')[],
    rate: (order: readonly number[], k: number) => number,
  ): void {
    const [loggingScores, judgedScores] = [
      [0.4, 0.1, -0.2, 0.2],
      [-0.3, 0.3, 0.6, 0],
    ];
    const all = orders(4, 3);
    const policies = [loggingScores, judgedScores].map((scores) => ({
      orders: all.map((order) => orderPropensity(scores, order)),
      marginals: orderMarginals(scores, 3),
    }));
    const chances = policies[0].orders.map(({ joint }) => joint);
    const truth = all.reduce(
      (sum, order, i) => sum + policies[1].orders[i].joint * order.reduce((r, _, k) => r + rate(order, k), 0),
      0,
    );
    // A model of items alone, wrong about what stands above.
    const q = (item: number) => 0.1 + 0.05 * item;
    const expected = all.map((order) =>
      order.map((_, k) => {
        const left = [0, 1, 2, 3].filter((item) => !order.slice(0, k).includes(item));
        return softmax(left.map((item) => judgedScores[item])).reduce((sum, p, i) => sum + p * q(left[i]), 0);
      }),
    );
    judge(name, (generator) => {
      const shown: number[] = [];
      const reward: number[][] = [];
      const units: number[] = [];
      requests(generator, (keenness, unit) => {
        const at = pick(chances, generator);
        shown.push(at);
        reward.push(all[at].map((_, k) => Number(generator.uniform() < rate(all[at], k) * keenness)));
        units.push(unit);
      });
      const cascade = policies.map((policy) => shown.map((at) => policy.orders[at].cascade));
      const position = policies.map((policy) => shown.map((at) => all[at].map((item, k) => policy.marginals[item][k])));
      const pairOf = <T>([logging, judged]: T[]): [T, T] => [logging, judged];
      const model = { qShown: shown.map((at) => all[at].map(q)), qExpected: shown.map((at) => expected[at]) };
      const estimators: Record<string, Estimator> = {};
      if (kinds.includes('iips'))
        Object.assign(estimators, {
          iips: positionIps(reward, pairOf(position)),
          sniips: selfNormalisedPositionIps(reward, pairOf(position)),
        });
      if (kinds.includes('rips'))
        Object.assign(estimators, {
          rips: positionIps(reward, pairOf(cascade)),
          snrips: selfNormalisedPositionIps(reward, pairOf(cascade)),
        });
      if (kinds.includes('cascade'))
        Object.assign(estimators, { cascadeDr: cascadeDr(reward, pairOf(cascade), model) });
      return { estimators, units, truth };
    });
  }

  const appeal = [0.15, 0.3, 0.4, 0.2];

  test('lists whose positions count by item and place alone', () => {
    slates('item and position', ['iips', 'rips', 'cascade'], (order, k) => appeal[order[k]] / (1 + 0.5 * k));
  });

  test('lists whose readers go from the top down', () => {
    // What stood above tires: a good item leaves less for the next.
    slates('cascade', ['rips', 'cascade'], (order, k) => appeal[order[k]] * (k === 0 ? 1 : 1 - appeal[order[k - 1]]));
  });
});

describe('logs that say nothing are refused', () => {
  const reasons = (log: BanditLog, support?: number[]) => {
    const units = log.action.map((_, i) => i % 300);
    return replayRefusals(
      diagnose({ weights: banditWeights(log), propensities: log.loggingPropensity, units, support }),
    )
      .map(({ reason }) => reason)
      .join('; ');
  };
  const logOf = (logging: readonly number[], judged: readonly number[], generator: Random): BanditLog => {
    const action = Array.from({ length: 3000 }, () => pick(logging, generator));
    return {
      action,
      reward: action.map(() => Number(generator.uniform() < 0.1)),
      loggingPropensity: action.map((a) => logging[a]),
      target: action.map(() => [...judged]),
    };
  };

  test('deterministic, without support, with tiny propensities', () => {
    for (let run = 0; run < 50; run++) {
      const generator = random('refused', run);
      expect(reasons(logOf([1, 0, 0], [0.8, 0.1, 0.1], generator))).toMatch(/deterministic/);
      // The third action was never possible, the judged policy takes it in a fifth of the cases.
      expect(reasons(logOf([0.5, 0.5, 0], [0.4, 0.4, 0.2], generator), new Array<number>(3000).fill(0.8))).toMatch(
        /could do 80\.0 %/,
      );
      expect(reasons(logOf([0.9995, 0.0005, 0], [0.1, 0.9, 0], generator))).toMatch(/count as|mean weight/);
    }
  });
});
