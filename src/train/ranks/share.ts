/** Gives all ranks what rank 0 has read: rank 0 alone reads and writes the files of a run. */
import type { Reducible } from '../../comm/contract.ts';
import { shareJson } from '../../comm/json.ts';
import type { RunLogs } from '../../store/run/run-folder.ts';
import type { TablePart } from '../../tables/contract.ts';
import type { Setup } from '../run/setup.ts';
import { isOwned } from './shards.ts';

/**
 * The weights of rank 0 and all that belongs to them (moments, averages, what rows owe), on all ranks; not tables whose rows lie on
 * several ranks, and what belongs to these.
 */
export async function shareWeights({ ranks, weights, decay, average }: Setup): Promise<void> {
  if (ranks.size === 1) return;
  const { dense, bufferValues, tables, denseMoments } = weights;
  const ofTables = tables.shards === undefined ? TABLE_PARTS.flatMap((part) => tables.parts(part)) : [];
  const tensors = [...(average?.tensors() ?? []), ...(decay === undefined ? [] : [decay.settled()])];
  const more = tensors.flatMap(([, tensor]) => (isOwned(tensor) ? [] : (tensor.parts as readonly Reducible[])));
  const regions = [dense, bufferValues, ...denseMoments, ...ofTables];
  for (const numbers of [...regions.map(({ view }) => view), ...more]) await ranks.broadcast(numbers, 0);
  if (decay === undefined) return;
  const [name, { data, shape }] = decay.kept();
  const ofLead = await shareJson(ranks, shape);
  const kept = ranks.rank === 0 ? (data as Float64Array) : new Float64Array(ofLead[0] * ofLead[1]);
  await ranks.broadcast(kept, 0);
  if (ranks.rank > 0) decay.restoreKept(new Map([[name, { data: kept, shape: [...ofLead], dtype: 'F64' }]]));
}

const TABLE_PARTS: readonly TablePart[] = ['embedding', 'gateEmbedding', 'firstMoment', 'secondMoment'];

/** Logs of a rank that writes no files. */
export function noLogs(): RunLogs {
  const lines = { bytes: 0, sha256: '', append() {}, sync() {}, close() {} };
  return { metrics: lines, timings: lines, sync() {}, close() {} };
}
