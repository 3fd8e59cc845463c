/** How rows are split into train, validation and test. */
import { z } from 'zod';
import { sql } from './names.ts';

const ratios = z
  .tuple([z.number().positive(), z.number().min(0), z.number().min(0)])
  .refine((r) => Math.abs(r[0] + r[1] + r[2] - 1) < 1e-9, 'the three shares must sum to 1');

export const split = z.discriminatedUnion('kind', [
  /** The exact 8:1:1 recipe of AutoIFS' authors (MT19937 permutation of the row numbers); train keeps the permuted order. */
  z.strictObject({
    kind: z.literal('random'),
    ratios: ratios.default([0.8, 0.1, 0.1]),
    seed: z.int().min(0).default(2021),
  }),
  /** Earliest rows train, latest test; ties never straddle a border. Rows without a time are left out. */
  z.strictObject({ kind: z.literal('time'), column: sql, ratios: ratios.default([0.8, 0.1, 0.1]) }),
  /** All rows of one user (or any key) on the same side, by a seeded hash. */
  z.strictObject({
    kind: z.literal('key'),
    column: sql,
    ratios: ratios.default([0.8, 0.1, 0.1]),
    seed: z.int().min(0).default(2021),
  }),
  /** A column says it: its values name the part. */
  z.strictObject({
    kind: z.literal('column'),
    column: sql,
    train: z.string().default('train'),
    validation: z.string().default('validation'),
    test: z.string().default('test'),
  }),
]);
