/** What a list is worth by the world's own probabilities: no draw of a label enters. */
import type { World } from '../data/synthetic/world.ts';
import type { Visit } from './demand.ts';
import type { Shop } from './options.ts';

/** Expected rewards of a request. */
export interface Worth {
  /** Of the items in the order shown. */
  shown: number;
  /** Of the best order of the best candidates. */
  best: number;
  /** Of a random order of random candidates. */
  random: number;
}

/**
 * @param world of the day
 * @param items those shown, from the first position on
 */
export function worthOf(shop: Shop, world: World, visit: Visit, items: readonly number[]): Worth {
  const weights = weightsOf(shop);
  const value = (item: number): number => {
    const chances = world.probabilities({ user: visit.user, scenario: visit.scenario, item });
    return chances.reduce((sum, p, t) => sum + weights[t] * p, 0);
  };
  const values = new Map(visit.candidates.map((item) => [item, value(item)]));
  const looks = items.map((_, position) => (1 + position) ** -shop.positionBias);
  const of = (ordered: readonly number[]): number => looks.reduce((sum, look, k) => sum + look * ordered[k], 0);
  const best = [...values.values()].sort((a, b) => b - a);
  const mean = best.reduce((sum, x) => sum + x, 0) / best.length;
  return { shown: of(items.map((item) => values.get(item) ?? 0)), best: of(best), random: of(best.map(() => mean)) };
}

/** By task: what a label is worth, less those that are taken back. */
function weightsOf({ world, reward, refunds }: Shop): number[] {
  const { tasks } = world.planted;
  return tasks.map((task, t) => (reward[task] ?? 0) * (t === tasks.length - 1 ? 1 - refunds : 1));
}
