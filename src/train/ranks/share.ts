/** Gives all ranks what rank 0 has read: rank 0 alone reads and writes the files of a run. */
import { shareJson } from '../../comm/json.ts';
import type { RunLogs } from '../../store/run/run-folder.ts';
import type { StoredTensor } from '../../store/safetensors.ts';
import type { TablePart } from '../../tables/contract.ts';
import type { Setup } from '../run/setup.ts';

/** The weights of rank 0 and all that belongs to them (moments, averages, what rows owe), on all ranks. */
export async function shareWeights({ ranks, weights, decay, average }: Setup): Promise<void> {
  if (ranks.size === 1) return;
  const { dense, bufferValues, tables, denseMoments } = weights;
  const regions = [dense, bufferValues, ...denseMoments, ...TABLE_PARTS.flatMap((part) => tables.parts(part))];
  const averages = (average?.tensors() ?? []).flatMap(([, { parts }]) => parts as readonly Float32Array[]);
  for (const numbers of [...regions.map(({ view }) => view), ...averages]) await ranks.broadcast(numbers, 0);
  if (decay === undefined) return;
  const owed = new Map<string, StoredTensor>();
  for (const [name, { data, shape }] of decay.tensors()) {
    const ofLead = await shareJson(ranks, shape);
    const count = ofLead.reduce((product, size) => product * size, 1);
    const own = ranks.rank === 0 ? data : new (data.constructor as new (length: number) => typeof data)(count);
    await ranks.broadcast(own as Float64Array, 0);
    owed.set(name, { data: own, shape: [...ofLead], dtype: own instanceof Int32Array ? 'I32' : 'F64' });
  }
  if (ranks.rank > 0) decay.restore(owed);
}

const TABLE_PARTS: readonly TablePart[] = ['embedding', 'gateEmbedding', 'firstMoment', 'secondMoment'];

/** Logs of a rank that writes no files. */
export function noLogs(): RunLogs {
  const lines = { bytes: 0, sha256: '', append() {}, sync() {}, close() {} };
  return { metrics: lines, timings: lines, sync() {}, close() {} };
}
