/** Cases of interleaved lists. */
import { z } from 'zod';
import {
  CREDITS,
  type Credit,
  firstItemChances,
  optimizedInterleaving,
  signTest,
  teamDraftLists,
} from '../../../evaluate/experiment/index.ts';
import { NotUnderstood } from '../../fixture.ts';
import { count, kind } from './kind.ts';

const lists = z.array(z.array(z.union([z.number(), z.string()])).min(1)).min(2);

/** A credit's first words name it ("inverse rank, unbiased, maximal sensitivity"); the rest describes what is the same for all. */
function creditOf(text: string): Credit {
  const found = (Object.keys(CREDITS) as Credit[]).find((name) => text === name || text.startsWith(`${name},`));
  if (found === undefined) throw new NotUnderstood(`credit "${text}" is none of ${Object.keys(CREDITS).join(', ')}`);
  return found;
}

function optimized(
  lists: readonly (readonly (number | string)[])[],
  rankings: readonly (readonly (number | string)[])[],
  credit: string,
): number[] {
  const chances = optimizedInterleaving(lists, rankings, creditOf(credit));
  if (chances === undefined) throw new NotUnderstood('no mixture of the rankings is unbiased');
  return chances;
}

export const INTERLEAVING_KINDS = {
  'team-draft': kind(z.strictObject({ lists, length: z.int().min(1) }), ({ lists, length }) =>
    teamDraftLists(lists, length),
  ),
  'probabilistic-interleaving-first': kind(
    z.strictObject({ lists, tau: z.number().gt(0).optional() }),
    ({ lists, tau }) => new Map([...firstItemChances(lists, tau)].map(([item, chance]) => [String(item), chance])),
  ),
  'optimized-interleaving': kind(
    z.strictObject({ lists, rankings: lists, credit: z.string().optional() }),
    ({ lists, rankings, credit = 'inverse rank' }) => optimized(lists, rankings, credit),
  ),
  'sign-test': kind(z.strictObject({ winsA: count, winsB: count, ties: count }), ({ winsA, winsB, ties }) =>
    signTest(winsA, winsB, ties),
  ),
};
