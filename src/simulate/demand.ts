/** Who asks for what, and when: a function of the seed and the day. */
import { random } from '../base/random.ts';
import { DAY_MS, dateOf } from '../base/times.ts';
import { type Shop, startOf } from './options.ts';

export interface Visit {
  /** Request id. */
  id: string;
  /** Milliseconds since 1970. */
  time: number;
  user: number;
  scenario: number;
  /** Different items. */
  candidates: number[];
}

/** The requests of a day (from 1), in the order of their times. */
export function visitsOf(shop: Shop, day: number): Visit[] {
  const start = startOf(shop, day);
  const visits = Array.from({ length: shop.requestsADay }, (_, n) => visit(shop, start, n));
  return visits.sort((a, b) => a.time - b.time);
}

function visit({ world, seed, candidates }: Shop, start: number, n: number): Visit {
  const { users, items, scenarios } = world.options;
  const date = dateOf(start);
  const generator = random('simulation', seed, 'visit', date, n);
  const time = start + Math.floor(generator.uniform() * DAY_MS);
  // Some users and items are met more often than others, as in the rows of the world.
  const u = generator.uniform();
  const drawn = new Set<number>();
  const wanted = Math.min(candidates, items);
  while (drawn.size < wanted) drawn.add(Math.floor(generator.uniform() ** 2 * items));
  return {
    id: `${seed}-${date}-${String(n).padStart(6, '0')}`,
    time,
    user: Math.floor(u ** 1.5 * users),
    scenario: pick(world.planted.scenarioShares, generator.uniform(), scenarios),
    candidates: [...drawn],
  };
}

/** The scenario in whose share of [0, 1) a uniform number lies. */
function pick(shares: readonly number[], uniform: number, count: number): number {
  let scenario = 0;
  for (let sum = shares[0]; uniform >= sum && scenario < count - 1; ) sum += shares[++scenario];
  return scenario;
}
