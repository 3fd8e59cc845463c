/**
 * Optimized interleaving: probabilities of given lists such that a reader who clicks regardless of relevance prefers no ranker, and
 * that tell rankers apart best. F. Radlinski, N. Craswell: Optimized interleaving for online retrieval evaluation, WSDM 2013; the
 * objective for many rankers is that of A. Schuth et al., CIKM 2014.
 */
import { minimise } from './linear-program.ts';

/** What a click on an item is worth to a ranker that has it at a rank (from 1). */
export const CREDITS = {
  'inverse rank': (rank: number): number => 1 / rank,
  'negative rank': (rank: number): number => -rank,
};
export type Credit = keyof typeof CREDITS;

/**
 * Probabilities of the rankings; undefined where no mixture of them is unbiased.
 *
 * Unbiased: for every k, the expected credit of the first k items is the same for all rankers. Among those mixtures the one with the
 * smallest expected variance of the rankers' credits, when position i is clicked with probability 1 / i.
 *
 * @param lists the rankers' items, best first; an item that a ranker lacks has the rank after its last
 */
export function optimizedInterleaving<T>(
  lists: readonly (readonly T[])[],
  rankings: readonly (readonly T[])[],
  credit: Credit = 'inverse rank',
): number[] | undefined {
  const creditOf = (list: readonly T[], item: T): number => {
    const at = list.indexOf(item);
    return CREDITS[credit](at < 0 ? list.length + 1 : at + 1);
  };
  // [ranking][ranker][position]
  const table = rankings.map((ranking) => lists.map((list) => ranking.map((item) => creditOf(list, item))));
  const length = Math.max(...rankings.map((ranking) => ranking.length));
  const first = (values: readonly number[], k: number): number => values.slice(0, k).reduce((sum, v) => sum + v, 0);
  const unbiased = lists
    .slice(1)
    .flatMap((_, i) =>
      Array.from({ length }, (_, k) => table.map((rankers) => first(rankers[i], k + 1) - first(rankers[i + 1], k + 1))),
    );
  return minimise(table.map(insensitivity), [rankings.map(() => 1), ...unbiased], [1, ...unbiased.map(() => 0)]);
}

/** Sum over rankers of the squared distance of their expected credit from the rankers' mean. */
function insensitivity(rankers: readonly (readonly number[])[]): number {
  const expected = rankers.map((values) => values.reduce((sum, value, i) => sum + value / (i + 1), 0));
  const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
  return expected.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
