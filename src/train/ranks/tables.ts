/** Decides whether ranks share the rows of tables, or each holds them all. */
import type { Collective } from '../../comm/contract.ts';
import { ranksHere } from '../../comm/launched.ts';
import type { RunConfig } from '../../config/run.ts';
import type { TableSizes } from '../../tables/contract.ts';
import { tableBytes } from '../../tables/one-memory.ts';
import { type MemoryLimits, machineMemory } from '../../tables/open.ts';

/** Of the memory of a machine, the share that whole tables of its ranks may take. */
const SHARE = 0.5;

/** The same on all ranks: one that lacks the memory decides for all. */
export async function sharesTables(
  { tables, weightAverage }: Pick<RunConfig['train'], 'tables' | 'weightAverage'>,
  sizes: TableSizes,
  ranks: Collective,
  { machine = machineMemory() }: MemoryLimits = {},
): Promise<boolean> {
  if (ranks.size === 1 || tables !== 'auto') return ranks.size > 1 && tables === 'sharded';
  const average = weightAverage > 0 ? 4 * sizes.rows * sizes.dimension : 0;
  const bytes = (tableBytes(sizes) + average) * ranksHere(ranks.size);
  const wanted = Int32Array.of(Number(bytes > SHARE * machine));
  await ranks.allReduce(wanted, 'max');
  return wanted[0] === 1;
}
