/** How much the values of each field differ between the rows of training and the day that judges. */

import { OUT_OF_VOCABULARY_ID } from '../../data/encode/ids.ts';
import { countIds, frequentIds } from '../../data/prepared/count-ids.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { stabilityIndex } from '../../evaluate/stability.ts';

/** Ids that are counted one by one, the most frequent of the training rows; all others are counted together. */
const COUNTED = 20;

/** Population stability index by field: below 0.1 alike, above 0.25 another population. */
export async function fieldDrift(data: PreparedData): Promise<Record<string, number>> {
  const [before, now] = [await countIds(data, 'train'), await countIds(data, 'test')];
  return Object.fromEntries(
    data.manifest.fields.map(({ name, offset, size }) => {
      const [trained, found] = [before, now].map((counts) => counts.subarray(offset, offset + size));
      const ids = frequentIds(trained, COUNTED); // those without a training row, too
      const expected = parts(trained, ids);
      const total = expected.reduce((sum, count) => sum + count, 0);
      return [
        name,
        total === 0
          ? 0
          : stabilityIndex(
              parts(found, ids),
              expected.map((count) => count / total),
            ),
      ];
    }),
  );
}

/** Counts of `ids`, of values out of vocabulary, and of all others. */
function parts(counts: Float64Array, ids: readonly number[]): number[] {
  const named = ids.map((id) => counts[id]);
  const unknown = counts[OUT_OF_VOCABULARY_ID];
  const all = counts.subarray(OUT_OF_VOCABULARY_ID).reduce((sum, count) => sum + count, 0);
  return [...named, unknown, all - unknown - named.reduce((sum, count) => sum + count, 0)];
}
