/** The kinds of fields and their options. docs/data.md describes them; CONTRIBUTING.md says what a new kind needs. */
import { z } from 'zod';
import { name, sql } from './names.ts';

const fieldBase = {
  name,
  /** Default: the column of that name. */
  expression: sql.optional(),
};

const categorical = z.strictObject({
  ...fieldBase,
  kind: z.literal('categorical'),
  /** Tokens seen fewer times get the out-of-vocabulary id. Default: `vocabulary.minCount`. */
  minCount: z.int().min(0).optional(),
  /** Hash tokens into this many ids instead of building a vocabulary. */
  hash: z.int().min(1).optional(),
});

const numeric = z.strictObject({
  ...fieldBase,
  kind: z.literal('numeric'),
  /**
   * How a number becomes a token. `logSquare`: v > 2 -> floor(ln(v)^2), else truncated (AutoIFS' authors; not monotone).
   * `{ quantiles: n }`: n buckets of about equal size, edges taken from the vocabulary's rows.
   * `{ edges: [...] }`: bucket = how many edges are <= v.
   */
  buckets: z
    .union([
      z.literal('logSquare'),
      z.strictObject({ quantiles: z.int().min(2).max(1000) }),
      z.strictObject({
        edges: z
          .array(z.number())
          .min(1)
          .refine((e) => e.every((v, i) => i === 0 || v > e[i - 1]), 'edges must rise'),
      }),
    ])
    .default('logSquare'),
  minCount: z.int().min(0).optional(),
});

const multi = z.strictObject({
  ...fieldBase,
  kind: z.literal('multi'),
  /** Between the values of a text column; a list column needs none. */
  separator: z.string().min(1).default('|'),
  /** Values kept per row, the first ones. */
  maxLength: z.int().min(1).max(512).default(8),
  /** How the embeddings of a row's values become one. */
  pooling: z.enum(['mean', 'sum']).default('mean'),
  minCount: z.int().min(0).optional(),
  hash: z.int().min(1).optional(),
});

/** The kinds of fields. */
export const fieldKind = z.enum(['categorical', 'numeric', 'multi']);

/** A field's configuration; an artifact keeps it for the row encoder. */
export const fieldSchema = z.discriminatedUnion('kind', [categorical, numeric, multi]);
