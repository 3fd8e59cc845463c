/** Decides whether ranks share the rows of tables, or each holds them all. */
import type { Collective } from '../../comm/contract.ts';
import { ranksHere } from '../../comm/launched.ts';
import type { RunConfig } from '../../config/run.ts';
import { type MemoryLimits, machineMemory } from '../../tables/open.ts';

/** Of the memory of a machine, the share that whole tables of its ranks may take. */
const SHARE = 0.5;

/** `bytes`: of whole tables and all that is kept for their rows. The same on all ranks: one that lacks the memory decides for all. */
export async function sharesTables(
  tables: RunConfig['train']['tables'],
  bytes: number,
  ranks: Collective,
  { machine = machineMemory() }: MemoryLimits = {},
): Promise<boolean> {
  if (ranks.size === 1 || tables !== 'auto') return ranks.size > 1 && tables === 'sharded';
  const wanted = Int32Array.of(Number(bytes * ranksHere(ranks.size) > SHARE * machine));
  await ranks.allReduce(wanted, 'max');
  return wanted[0] === 1;
}
