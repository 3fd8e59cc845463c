/**
 * Who won? Clicks credit the ranker whose item was clicked; requests and then users have a winner.
 *
 * O. Chapelle, T. Joachims, F. Radlinski, Y. Yue: Large-scale validation and analysis of interleaved search evaluation, TOIS 30 (2012).
 * Interleaving says which ranker's items people prefer in the same list. It filters candidates; it does not say what a launch brings.
 */
import { fairCoinsAtMost, studentTwoSided } from '../../significance/distributions.ts';
import { meanOf, surprise } from '../../significance/means.ts';
import { momentsOf, type Sums } from '../moments.ts';
import { tTest } from '../welch.ts';
import { agreedTop } from './team-draft.ts';

export type Winner = 'a' | 'b' | 'tie';

/**
 * Credit of each ranker for one list: clicks on items of its team. Items that all rankers have at the top in the same order say nothing
 * about them and credit nobody (`agreedTop`).
 *
 * @param clicked positions in the list, from 0
 */
export function credits<T>(
  draft: { items: readonly T[]; teams: readonly number[] },
  lists: readonly (readonly T[])[],
  clicked: readonly number[],
): number[] {
  const out = lists.map(() => 0);
  const agreed = agreedTop(lists);
  for (const position of clicked) if (position >= agreed) out[draft.teams[position]]++;
  return out;
}

/** Winner of a request or of a user from two credits. */
export const winnerOf = (creditA: number, creditB: number): Winner =>
  creditA === creditB ? 'tie' : creditA > creditB ? 'a' : 'b';

export interface SignTest {
  /** Two-sided, exact: wins are coins. Ties say nothing. */
  p: number;
  /** (wins of b + ties / 2) / all - 1/2: above 0, b is preferred. */
  delta_AB: number;
}

/** The sign test over users, each counted once. Users are independent, their requests are not. */
export function signTest(winsA: number, winsB: number, ties: number): SignTest {
  const decided = winsA + winsB;
  return {
    p: Math.min(1, 2 * fairCoinsAtMost(Math.min(winsA, winsB), decided)),
    delta_AB: (winsB + ties / 2) / (decided + ties) - 0.5,
  };
}

export interface Preference {
  /** Mean over users of their mean of -1/2 (a won the request), 0, 1/2. */
  delta_AB: number;
  se: number;
  p: number;
  low: number;
  high: number;
}

/**
 * Student's t over users of the share of their requests that b won, less one half: unlike the sign test it weighs how clearly.
 * Undefined for fewer than two users.
 */
export function userPreference(
  users: readonly { winsA: number; winsB: number; ties: number }[],
  confidence = 0.95,
): Preference | undefined {
  if (users.length < 2) return undefined;
  const values = users.map(({ winsA, winsB, ties }) => (winsB - winsA) / (2 * (winsA + winsB + ties)));
  const { n, mean, sd, low, high } = meanOf(values, confidence);
  const se = (sd as number) / Math.sqrt(n);
  const p = surprise(mean, se, (t) => studentTwoSided(t, n - 1));
  return { delta_AB: mean, se, p, low: low as number, high: high as number };
}

/** The same from sums over users of (requests won - requests lost) / (2 x requests). */
export function preferenceOfSums(sums: Sums, alpha = 0.05): Preference | undefined {
  if (sums.n < 2) return undefined;
  const { n, mean, variance } = momentsOf(sums);
  const { estimate, se, p, low, high } = tTest({ estimate: mean, se: Math.sqrt(variance / n) }, n - 1, alpha);
  return { delta_AB: estimate, se, p, low, high };
}
