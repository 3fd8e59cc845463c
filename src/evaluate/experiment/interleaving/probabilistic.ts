/**
 * Probabilistic interleaving: at each place a ranker is drawn, and then an item from a softmax over its ranks, so that every list is
 * possible. K. Hofmann, S. Whiteson, M. de Rijke: A probabilistic method for inferring preferences from clicks, CIKM 2011.
 */
import type { Random } from '../../../base/random.ts';
import type { Draft } from './team-draft.ts';

/** How fast the chance of an item falls with its rank. */
const DEFAULT_TAU = 3;

/** Chance of each item of a list to be drawn first among those not taken: in proportion to 1 / rank^tau. */
function softmax<T>(list: readonly T[], taken: ReadonlySet<T>, tau: number): [T, number][] {
  // Ranks are those of the whole list: what is taken leaves its place.
  const weights = list.flatMap((item, i): [T, number][] => (taken.has(item) ? [] : [[item, (i + 1) ** -tau]]));
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights.map(([item, weight]) => [item, weight / total]);
}

/** Chance of each item to stand first. */
export function firstItemChances<T>(lists: readonly (readonly T[])[], tau = DEFAULT_TAU): Map<T, number> {
  const chances = new Map<T, number>();
  for (const list of lists)
    for (const [item, chance] of softmax(list, new Set(), tau))
      chances.set(item, (chances.get(item) ?? 0) + chance / lists.length);
  return chances;
}

/** Draws a list of items and of the rankers they came from; a ranker with nothing left is not drawn. */
export function probabilisticInterleaving<T>(
  lists: readonly (readonly T[])[],
  length: number,
  generator: Random,
  tau = DEFAULT_TAU,
): Draft<T> {
  const out: Draft<T> = { items: [], teams: [] };
  const taken = new Set<T>();
  while (out.items.length < length) {
    const open = lists.flatMap((list, team) => (list.some((item) => !taken.has(item)) ? [team] : []));
    if (open.length === 0) break;
    const team = open[generator.below(open.length)];
    const item = draw(softmax(lists[team], taken, tau), generator.uniform());
    out.items.push(item);
    out.teams.push(team);
    taken.add(item);
  }
  return out;
}

function draw<T>(chances: readonly [T, number][], uniform: number): T {
  let left = uniform;
  for (const [item, chance] of chances) {
    left -= chance;
    if (left < 0) return item;
  }
  return chances[chances.length - 1][0];
}
