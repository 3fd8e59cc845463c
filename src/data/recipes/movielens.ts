/** What the recipes of MovieLens share: a log of ratings with times, and its licence. */
import { z } from 'zod';
import type { DatasetInput } from '../../config/dataset.ts';
import { randomOrTime } from './recipe.ts';

export const GROUPLENS_LICENCE =
  'GroupLens: research use, no redistribution, cite Harper and Konstan 2015 (see the README in the archive)';

export const ratingOptions = {
  /** `random` as AutoIFS' authors split; `time` trains on the earliest 80 %, which leaves few known users for the test. */
  split: z.enum(['random', 'time']).default('random'),
  /** Items in each of a user's sequences of liked, loved and disliked films; 0: no sequences. */
  sequences: z.coerce.number().int().min(0).max(512).default(0),
};

/** What follows from a log with the columns user_id, rating, timestamp and that of the item. */
export const ratingLog = (
  item: string,
  { split, sequences }: { split: 'random' | 'time'; sequences: number },
): Pick<DatasetInput, 'tasks' | 'group' | 'split' | 'sequences'> => ({
  tasks: [
    { name: 'click', label: 'rating > 3' },
    { name: 'like', label: 'rating > 4' },
  ],
  group: 'user_id',
  split: randomOrTime(split, 'timestamp'),
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
