/** All rows of a split, batch by batch. */
import type { SplitName } from '../../config/dataset.ts';
import type { Batch, PreparedData } from './prepared.ts';

const BATCH = 4096;

/** Every batch of a split, in stored order. */
export async function* batchesOf(data: PreparedData, split: SplitName): AsyncGenerator<Batch> {
  const reader = await data.open(split);
  try {
    yield* reader.batches({ batchSize: BATCH });
  } finally {
    await reader.close();
  }
}
