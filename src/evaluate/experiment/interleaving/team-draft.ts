/**
 * Team draft: rankers take turns, as captains choose players. F. Radlinski, M. Kurup, T. Joachims: How does clickthrough data reflect
 * retrieval quality?, CIKM 2008; more than two rankers: A. Schuth, F. Sietsma, S. Whiteson, D. Lefortier, M. de Rijke: Multileaved
 * comparisons for fast online evaluation, CIKM 2014.
 */
import type { Random } from '../../../base/random.ts';

/** A drafted list: items from the top, and the ranker that each was taken from. */
export interface Draft<T> {
  items: T[];
  teams: number[];
}

/**
 * Drafts a list. Of the teams with fewest items one is drawn, and adds the item that its ranker likes best among those left; a team
 * whose ranker has none left stands back.
 *
 * @param lists the rankers' items, best first
 * @param length items at most
 */
export function teamDraft<T>(lists: readonly (readonly T[])[], length: number, generator: Random): Draft<T> {
  let state = start<T>(lists.length);
  while (state.items.length < length) {
    const turns = turnsOf(lists, state);
    if (turns.length === 0) break;
    state = turns[turns.length === 1 ? 0 : generator.below(turns.length)];
  }
  return { items: state.items, teams: state.teams };
}

/** Every list that can be drafted with its probability; for short lists alone, and for tests of the draw. */
export function teamDraftLists<T>(lists: readonly (readonly T[])[], length: number): Map<string, number> {
  const chances = new Map<string, number>();
  const follow = (state: State<T>, chance: number): void => {
    const turns = state.items.length < length ? turnsOf(lists, state) : [];
    for (const turn of turns) follow(turn, chance / turns.length);
    const key = state.items.join(',');
    if (turns.length === 0) chances.set(key, (chances.get(key) ?? 0) + chance);
  };
  follow(start(lists.length), 1);
  return chances;
}

interface State<T> extends Draft<T> {
  /** Items of each team. */
  sizes: number[];
}

const start = <T>(rankers: number): State<T> => ({ items: [], teams: [], sizes: new Array<number>(rankers).fill(0) });

/** What the next turn may lead to, each with equal probability. */
function turnsOf<T>(lists: readonly (readonly T[])[], { items, teams, sizes }: State<T>): State<T>[] {
  const taken = new Set(items);
  const next = lists.map((list) => list.findIndex((item) => !taken.has(item)));
  const fewest = Math.min(...sizes.filter((_, team) => next[team] >= 0));
  return lists.flatMap((list, team) =>
    next[team] >= 0 && sizes[team] === fewest
      ? [
          {
            items: [...items, list[next[team]]],
            teams: [...teams, team],
            sizes: sizes.map((size, i) => (i === team ? size + 1 : size)),
          },
        ]
      : [],
  );
}
