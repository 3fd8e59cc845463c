/** What the recipes of MovieLens share: what can be chosen of a log of ratings with times. */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';

export const ratingOptions = {
  /** `random` as AutoIFS' authors split; `time` trains on the earliest 80 %, which leaves few known users for the test. */
  split: z.enum(['random', 'time']).default('random'),
  /** Items in each of a user's sequences of liked, loved and disliked films; 0: no sequences. */
  sequences: z.coerce.number().int().min(0).max(512).default(0),
};

/** Entries `split` and `sequences` of a log with the columns user_id, rating, timestamp and that of the item. */
export const ratingLog = (
  item: string,
  { split, sequences }: { split: 'random' | 'time'; sequences: number },
): Pick<DatasetInput, 'split' | 'sequences'> => ({
  split:
    split === 'time' ? { kind: 'time', column: 'timestamp' } : { kind: 'random', ratios: [0.8, 0.1, 0.1], seed: 2021 },
  ...(sequences > 0 && {
    sequences: {
      key: 'user_id',
      time: 'timestamp',
      item,
      length: sequences,
      types: { liked: 'rating > 3', loved: 'rating > 4', disliked: 'rating <= 3' },
    },
  }),
});
