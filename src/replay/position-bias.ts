/** How much less a position is looked at than the first, by the best of three methods that a log allows. */
import { range, sum } from '../base/numbers.ts';
import type { PositionBiasDocument } from '../documents/loop/position-bias.ts';
import {
  bootstrapIntervals,
  type Estimator,
  examinationByEm,
  harvestedExamination,
  identified,
  type PositionCount,
} from '../evaluate/replay/index.ts';
import type { EventLog } from '../events/log.ts';
import { type RandomList, readPositions, type ScenarioCounts } from './positions.ts';

export interface PositionBiasOptions {
  /** Of the interactions to count. Default: the most frequent one. */
  type?: string;
  /** Of the bootstrap. Default 1. */
  seed?: number;
}

type Scenario = PositionBiasDocument['scenarios'][number];
type Relative = Pick<Scenario['positions'][number], 'relative' | 'low' | 'high'>;

/** @throws what readPositions throws */
export async function positionBias(
  log: EventLog,
  { type: asked, seed }: PositionBiasOptions,
): Promise<PositionBiasDocument> {
  const started = performance.now();
  const { type, scenarios, duplicates, damaged } = await readPositions(log, asked);
  return {
    schema: 'position-bias/1',
    log: log.name,
    type,
    scenarios: [...scenarios].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, found]) => judge(name, found, seed)),
    duplicates,
    damaged,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Explored requests, and requests of each of two rankers, from which on a method is taken. */
const MINIMUM = 100;

function judge(scenario: string, found: ScenarioCounts, seed?: number): Scenario {
  const { counts, random, models, requests } = found;
  const length = 1 + Math.max(...counts.map(({ position }) => position));
  const totals = range(length).map((k) => {
    const at = counts.filter(({ position }) => position === k);
    return { position: k + 1, impressions: sum(at.map((c) => c.impressions)), clicks: sum(at.map((c) => c.clicks)) };
  });
  const make = (method: Scenario['method'], used: number, relative: Relative[]): Scenario => ({
    scenario,
    method,
    assumption: ASSUMPTIONS[method],
    requests: used,
    positions: totals.map((total, k) => ({ ...total, ...relative[k] })),
  });
  if (random.length >= MINIMUM) return make('random-orders', random.length, byRandomOrders(random, length, seed));
  const often = [...models.values()].filter((answered) => answered >= MINIMUM);
  if (often.length > 1) return make('rankers', requests, harvestedExamination(counts, length).map(plain));
  return make('em', requests, byEm(counts, length));
}

const ASSUMPTIONS: Record<Scenario['method'], string> = {
  'random-orders': 'a click needs a look, whose chance depends on the position alone, and an item that pleases',
  rankers: 'the same, and chance decided which ranker answered a request',
  em: 'the same, and an item pleases every user equally: a last resort',
};

const plain = (relative: number): Relative => ({
  relative: Number.isFinite(relative) ? relative : null,
  low: null,
  high: null,
});

/**
 * Rates of clicks at a position and at the first, weighted so that both have the same items: they differ by examination alone. Each is a
 * self-normalised mean; intervals by a bootstrap over units.
 */
function byRandomOrders(lists: readonly RandomList[], length: number, seed?: number): Relative[] {
  const column = (k: number, of: (list: RandomList) => number): number[] =>
    lists.map((list) => (k < list.clicks.length ? of(list) : 0));
  const estimators: Record<string, Estimator> = Object.fromEntries(
    range(length).map((k) => [
      String(k),
      {
        columns: [
          column(k, ({ clicks, weights }) => clicks[k] * weights[k].here),
          column(k, ({ weights }) => weights[k].here),
          column(k, ({ clicks, weights }) => clicks[0] * weights[k].first),
          column(k, ({ weights }) => weights[k].first),
        ],
        value: ([clicks, weight, firstClicks, firstWeight]) => clicks / weight / (firstClicks / firstWeight),
      },
    ]),
  );
  const intervals = bootstrapIntervals(
    estimators,
    lists.map(({ unit }) => unit),
    { seed },
  );
  return range(length).map((k) => {
    const { estimate, low, high } = intervals[String(k)];
    return Number.isFinite(estimate) ? { relative: estimate, low, high } : plain(Number.NaN);
  });
}

const ITERATIONS = 500;

/** Null everywhere if no item was seen at several positions, or positions are not linked by such items: nothing compares them then. */
function byEm(counts: readonly PositionCount[], length: number): Relative[] {
  if (!identified(counts, length)) return range(length).map((k) => plain(k === 0 ? 1 : Number.NaN));
  const start = { examination: range(length).map((k) => 0.9 / (1 + k)), relevance: 0.5 };
  return examinationByEm(counts, start, ITERATIONS).relative.map(plain);
}
