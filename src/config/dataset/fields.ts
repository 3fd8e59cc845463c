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

/** No value of a row, but how often a label was 1 among other rows with the same values. docs/data.md says what it is good for. */
const rate = z.strictObject({
  name,
  kind: z.literal('rate'),
  /** The categorical or numeric field whose values have a rate, or two of which each pair of values has one. */
  of: z
    .array(name)
    .min(1)
    .max(2)
    .refine((names) => new Set(names).size === names.length, 'a field is listed twice'),
  /** The task whose label is counted. Rows without it do not count. */
  task: name,
  /** Rows with the mean rate that are added to those counted. */
  priorRows: z.number().positive().default(20),
  /**
   * The training rows that the rate of a training row is taken from, never the row itself: those at earlier times, or those of
   * the other folds. Default: `earlier` under a split by time, else 5 folds. All other rows take it from all training rows.
   */
  from: z.union([z.literal('earlier'), z.strictObject({ folds: z.int().min(2).max(100) })]).optional(),
  /** The rate becomes one of this many buckets, with edges from the training rows. */
  quantiles: z.int().min(2).max(1000).default(20),
});

/** The kinds of fields. */
export const fieldKind = z.enum(['categorical', 'numeric', 'multi', 'rate']);

/** A field's configuration; an artifact keeps it for the row encoder. */
export const fieldSchema = z.discriminatedUnion('kind', [categorical, numeric, multi, rate]);
