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
  const draft: Draft<T> = { items: [], teams: [] };
  const taken = new Set<T>();
  const sizes = lists.map(() => 0);
  const next = lists.map(() => 0);
  const hasItem = (team: number): boolean => {
    while (next[team] < lists[team].length && taken.has(lists[team][next[team]])) next[team]++;
    return next[team] < lists[team].length;
  };
  const teams = lists.map((_, team) => team);
  while (draft.items.length < length) {
    const able = teams.filter(hasItem);
    if (able.length === 0) break;
    const fewest = Math.min(...able.map((team) => sizes[team]));
    const turns = able.filter((team) => sizes[team] === fewest);
    const team = turns[turns.length === 1 ? 0 : generator.below(turns.length)];
    const item = lists[team][next[team]];
    taken.add(item);
    sizes[team]++;
    draft.items.push(item);
    draft.teams.push(team);
  }
  return draft;
}

/**
 * How many items all rankers have at the top in the same order. Whoever takes them, they say nothing about the rankers, and clicks on
 * them credit nobody. That must end with the first difference: of [a, b, x] and [c, a, x] the second ranker's team gets x in every draft,
 * so that without credit for x a reader who clicks anywhere would prefer the first one.
 */
export function agreedTop<T>(lists: readonly (readonly T[])[]): number {
  const [first, ...others] = lists;
  const end = first.findIndex((item, i) => others.some((list) => list[i] !== item));
  return end < 0 ? first.length : end;
}

/** Every list that can be drafted with its probability; for short lists alone, and for tests of the draw. */
export function teamDraftLists<T>(lists: readonly (readonly T[])[], length: number): Map<string, number> {
  const chances = new Map<string, number>();
  for (const { items, chance } of teamDrafts(lists, length)) {
    const key = items.join(',');
    chances.set(key, (chances.get(key) ?? 0) + chance);
  }
  return chances;
}

/** Every course that a draft can take with its probability. */
export function teamDrafts<T>(lists: readonly (readonly T[])[], length: number): (Draft<T> & { chance: number })[] {
  const found: (Draft<T> & { chance: number })[] = [];
  const follow = (state: State<T>, chance: number): void => {
    const turns = state.items.length < length ? turnsOf(lists, state) : [];
    for (const turn of turns) follow(turn, chance / turns.length);
    if (turns.length === 0) found.push({ items: state.items, teams: state.teams, chance });
  };
  follow(start(lists.length), 1);
  return found;
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
