/** Decides whether ranks share the rows of tables, or each holds them all. */
import type { Collective } from '../../comm/contract.ts';
import { gatherJson } from '../../comm/json.ts';
import { ranksHere } from '../../comm/launched.ts';
import type { RunConfig } from '../../config/run.ts';
import type { RanksDocument } from '../../documents/result.ts';
import { type MemoryLimits, machineMemory } from '../../tables/open.ts';

/** Of the memory of a machine, the share that whole tables of its ranks may take. */
const SHARE = 0.5;

/**
 * `bytes`: of whole tables and all that is kept for their rows. The same on all ranks: one that lacks the memory decides for all. Undefined
 * for one rank.
 */
export async function placeTables(
  asked: RunConfig['train']['tables'],
  bytes: number,
  ranks: Collective,
  { machine = machineMemory() }: MemoryLimits = {},
): Promise<RanksDocument | undefined> {
  const count = ranks.size;
  if (count === 1) return undefined;
  if (asked !== 'auto') return { count, tables: asked, reason: `train.tables is ${asked}` };
  const machines = await gatherJson(ranks, { here: ranksHere(count), machine });
  const [tightest] = machines.toSorted((a, b) => b.here / b.machine - a.here / a.machine);
  const whole = bytes * tightest.here;
  const tables = whole > SHARE * tightest.machine ? 'sharded' : 'replicated';
  const [would, than] = tables === 'sharded' ? ['would take', 'more'] : ['take', 'not more'];
  const of = tightest.here === 1 ? 'one rank' : `the ${tightest.here} ranks`;
  const reason = `whole tables of ${of} of a machine ${would} ${size(whole)}, ${than} than half of its ${size(tightest.machine)}`;
  return { count, tables, reason };
}

/** Memory that each of the ranks of this machine may use: they share it. */
export const limitsOfRank = (ranks: Pick<Collective, 'size'>, limits: MemoryLimits = {}): MemoryLimits =>
  ranks.size === 1 ? limits : { ...limits, machine: (limits.machine ?? machineMemory()) / ranksHere(ranks.size) };

const size = (bytes: number): string =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
