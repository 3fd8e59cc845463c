/** How often the rows of a split have each id of the embedding table. */
import type { SplitName } from '../../config/dataset.ts';
import { RESERVED_IDS } from '../encode/ids.ts';
import type { PreparedData } from './prepared.ts';

/** By row of the table: [V]. */
export async function countIds(data: PreparedData, split: SplitName): Promise<Float64Array> {
  const counts = new Float64Array(data.manifest.tableRows);
  for await (const { ids } of data.batches(split)) for (const id of ids) counts[id]++;
  return counts;
}

/** The `most` most frequent values of a field whose ids have these counts; of equally frequent ones the lower ids. */
export const frequentIds = (counts: Float64Array, most: number): number[] =>
  Array.from({ length: Math.max(0, counts.length - RESERVED_IDS) }, (_, i) => RESERVED_IDS + i)
    .sort((a, b) => counts[b] - counts[a] || a - b)
    .slice(0, most);
