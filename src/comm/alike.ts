/** Ranks that do not do the same wait for each other without end, or add up what does not belong together: what must be equal is compared. */
import { hostname } from 'node:os';
import { error } from '../base/errors/index.ts';
import { VERSION } from '../base/version.ts';
import type { Collective } from './contract.ts';
import { gatherJson } from './json.ts';

/**
 * Compares facts of all ranks with those of rank 0, by what they are of; the version of this program is one of them.
 *
 * @throws RANKS_DIFFER on all ranks
 */
export async function checkAlike(ranks: Collective, facts: Record<string, string>): Promise<void> {
  if (ranks.size === 1) return;
  const own: Record<string, string> = { 'version of tributary': VERSION, ...facts };
  const all = await gatherJson(ranks, { host: hostname(), facts: own });
  const expected = all[0].facts;
  for (const [rank, { host, facts: found }] of all.entries())
    for (const what of Object.keys(expected))
      if (found[what] !== expected[what])
        throw error('RANKS_DIFFER', { rank, host, what, found: `${found[what]}`, expected: expected[what] });
}
