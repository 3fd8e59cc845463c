/** What a synthetic shop is made from. */
import { z } from 'zod';

const count = (most: number) => z.coerce.number().int().min(10).max(most);

export const shopSchema = z.strictObject({
  seed: z.coerce.number().int().min(0).default(1),
  /** Impressions in the log; about 0.6 % more lines are duplicates. */
  rows: z.coerce.number().int().min(100).max(5_000_000).default(150_000),
  users: count(1_000_000).default(12_000),
  items: count(1_000_000).default(4_000),
});

export type ShopOptions = z.output<typeof shopSchema>;
