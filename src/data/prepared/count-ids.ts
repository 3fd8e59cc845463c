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
export function frequentIds(counts: Float64Array, most: number): number[] {
  const found: number[] = [];
  let least = Number.NEGATIVE_INFINITY; // what an id must exceed to be among them
  const order = (a: number, b: number): number => counts[b] - counts[a] || a - b;
  // A table of many millions of rows is not sorted for a few of them.
  for (let id = RESERVED_IDS; id < counts.length; id++) {
    if (counts[id] <= least) continue;
    found.push(id);
    if (found.length < 2 * most) continue;
    found.sort(order).splice(most);
    least = counts[found[most - 1]];
  }
  return found.sort(order).slice(0, most);
}
