/** Estimates of what the judged policy brings, each kind with the diagnostics of its own weights. */
import { range, sum } from '../base/numbers.ts';
import {
  ASSUMPTIONS,
  type BanditLog,
  banditWeights,
  bootstrapIntervals,
  cascadeDr,
  type Diagnostics,
  diagnose,
  doublyRobust,
  type Estimator,
  ips,
  positionIps,
  positionWeights,
  quotientEstimator,
  type Refusal,
  replayRefusals,
  selfNormalisedPositionIps,
  snips,
} from '../evaluate/replay/index.ts';
import type { List } from './lists.ts';

/** What weights are of: the one item of a request, an item and its position, or the list down to a position. */
export type WeightKind = 'item' | 'position' | 'list';

export interface WeightCheck extends Diagnostics {
  weights: WeightKind;
  refusals: Refusal[];
}

export interface NamedEstimator {
  name: keyof typeof NAMES;
  weights: WeightKind;
  estimator: Estimator;
}

const SUPPORT = 'what the judged policy does was possible';
const NAMES = {
  ips: SUPPORT,
  snips: SUPPORT,
  dr: SUPPORT,
  iips: ASSUMPTIONS.iips,
  'sn-iips': ASSUMPTIONS.iips,
  rips: ASSUMPTIONS.rips,
  'sn-rips': ASSUMPTIONS.rips,
  'cascade-dr': ASSUMPTIONS.cascadeDr,
} as const;

export const assumptionOf = (name: keyof typeof NAMES): string => NAMES[name];

/** Does every request show one item? */
const areSingle = (lists: readonly List[]): boolean => lists.every(({ rewards }) => rewards.length === 1);

/** The kinds of weights that a log has, and whether estimates may be made with them. */
export function checkWeights(lists: readonly List[]): WeightCheck[] {
  const units = lists.map(({ unit }) => unit);
  if (areSingle(lists)) {
    const log = banditOf(lists);
    return [
      checked(
        'item',
        banditWeights(log),
        log.loggingPropensity,
        units,
        lists.map(({ supported }) => supported.prefix),
      ),
    ];
  }
  const slots = lists.flatMap(({ unit, rewards }) => rewards.map(() => unit));
  const check = (
    weights: WeightKind,
    of: (list: List) => List['prefix'],
    supported: (list: List) => readonly number[],
  ) => {
    const [logging, judged] = pairOf(lists, of);
    return checked(weights, positionWeights([logging, judged]).flat(), logging.flat(), slots, lists.map(supported));
  };
  const list = check(
    'list',
    ({ prefix }) => prefix,
    ({ supported }) => supported.prefix,
  );
  if (!haveMarginals(lists)) return [list];
  const position = check(
    'position',
    ({ marginal }) => marginal as List['prefix'],
    ({ supported }) => supported.marginal ?? [],
  );
  return [list, position];
}

const haveMarginals = (lists: readonly List[]): boolean => lists.every(({ marginal }) => marginal !== undefined);

/**
 * @param weights of each row or slot
 * @param supported by list and position: chance, under the logging policy, of what the judged one does there. What is expected less than
 *   once in the log is not supported: no weight stands for it.
 */
function checked(
  kind: WeightKind,
  weights: readonly number[],
  propensities: readonly number[],
  units: readonly string[],
  supported: readonly (readonly number[])[],
): WeightCheck {
  const support = supported.flatMap((chances) => chances.map((chance) => Number(chance * supported.length >= 1)));
  const found = diagnose({ weights, propensities, units, support });
  return { weights: kind, ...found, refusals: replayRefusals(found) };
}

/** Those that apply, the ones with the weakest assumption first and of these the ones with the least spread. */
export function estimatorsOf(lists: readonly List[]): NamedEstimator[] {
  if (areSingle(lists)) {
    const log = banditOf(lists);
    const factors = factorsOf(lists);
    const model = lists.map(({ values }, i) => values.map((value) => factors[i][0] * value));
    return [
      { name: 'dr', weights: 'item', estimator: doublyRobust(log, model) },
      { name: 'snips', weights: 'item', estimator: snips(log) },
      { name: 'ips', weights: 'item', estimator: ips(log) },
    ];
  }
  const rewards = lists.map((list) => list.rewards);
  const prefix = pairOf(lists, (list) => list.prefix);
  const found: NamedEstimator[] = [
    { name: 'cascade-dr', weights: 'list', estimator: cascadeDr(rewards, prefix, modelOf(lists)) },
    { name: 'sn-rips', weights: 'list', estimator: selfNormalisedPositionIps(rewards, prefix) },
    { name: 'rips', weights: 'list', estimator: positionIps(rewards, prefix) },
  ];
  if (!haveMarginals(lists)) return found;
  const marginal = pairOf(lists, (list) => list.marginal as List['prefix']);
  return [
    ...found,
    { name: 'sn-iips', weights: 'position', estimator: selfNormalisedPositionIps(rewards, marginal) },
    { name: 'iips', weights: 'position', estimator: positionIps(rewards, marginal) },
  ];
}

const banditOf = (lists: readonly List[]): BanditLog => ({
  action: lists.map(() => 0),
  reward: lists.map(({ rewards }) => rewards[0]),
  loggingPropensity: lists.map(({ prefix: [logging] }) => logging[0]),
  target: lists.map(({ first: [, judged] }) => judged),
});

const pairOf = (lists: readonly List[], of: (list: List) => List['prefix']) =>
  [lists.map((list) => of(list)[0]), lists.map((list) => of(list)[1])] as const;

/** What the judged model expects at each position: its own value of the item times the factor of the position. */
function modelOf(lists: readonly List[]) {
  const factors = factorsOf(lists);
  return {
    qShown: lists.map(({ rewards, values }, i) => rewards.map((_, k) => factors[i][k] * values[k])),
    qExpected: lists.map(({ next }, i) => next.map((value, k) => factors[i][k] * value)),
  };
}

const FOLDS = 2;

/** By list and position: rewards over values, in the lists of the units of the other fold (cross-fitted). */
function factorsOf(lists: readonly List[]): number[][] {
  const units = new Map<string, number>();
  for (const { unit } of lists) if (!units.has(unit)) units.set(unit, units.size % FOLDS);
  const length = Math.max(0, ...lists.map(({ rewards }) => rewards.length));
  const byFold = range(FOLDS).map((fold) => {
    const others = lists.filter(({ unit }) => units.get(unit) !== fold);
    return range(length).map((k) => {
      const at = others.filter(({ rewards }) => k < rewards.length);
      const expected = sum(at.map(({ values }) => values[k]));
      return expected === 0 ? 0 : sum(at.map(({ rewards }) => rewards[k])) / expected;
    });
  });
  return lists.map(({ unit }) => byFold[units.get(unit) as number]);
}

export interface Interval {
  estimate: number;
  se: number;
  low: number;
  high: number;
}

export interface Intervals {
  /** By name. */
  estimates: Partial<Record<NamedEstimator['name'], Interval>>;
  /** Mean reward of the requests that were served by falling score, or of the explored ones where there are none. */
  served: Interval;
  /** Each estimate less that. */
  differences: Partial<Record<NamedEstimator['name'], Interval>>;
}

/**
 * Intervals by a bootstrap over the units of all requests: what was explored and what was served by score are drawn together, so their
 * difference has the error of both.
 */
export function intervalsOf(
  lists: readonly List[],
  estimators: readonly NamedEstimator[],
  served: readonly { unit: string; reward: number }[],
  options: { resamples?: number; seed?: number },
): Intervals {
  const units = [...lists.map(({ unit }) => unit), ...served.map(({ unit }) => unit)];
  const n = lists.length;
  const overAll = (column: ArrayLike<number>): number[] => units.map((_, i) => (i < n ? column[i] : 0));
  const isExplored = units.map((_, i) => Number(i < n));
  const baseline =
    served.length > 0
      ? quotientEstimator(
          [...lists.map(() => 0), ...served.map(({ reward }) => reward)],
          isExplored.map((x) => 1 - x),
        )
      : quotientEstimator(overAll(lists.map(({ rewards }) => sum(rewards))), isExplored);
  const all: Record<string, Estimator> = { served: baseline };
  for (const { name, estimator } of estimators) {
    const columns = [...estimator.columns.map(overAll), isExplored];
    const value = (means: readonly number[]): number =>
      estimator.value(means.slice(0, -1).map((each) => each / means[means.length - 1]));
    all[name] = { columns, value };
    all[`difference ${name}`] = {
      columns: [...columns, ...baseline.columns],
      value: (means) => value(means.slice(0, columns.length)) - baseline.value(means.slice(columns.length)),
    };
  }
  const found = bootstrapIntervals(all, units, options);
  const named = (prefix: string) =>
    Object.fromEntries(estimators.map(({ name }) => [name, found[`${prefix}${name}`]])) as Intervals['estimates'];
  return { estimates: named(''), differences: named('difference '), served: found.served };
}
