/** A kind of case: the schema of its input, and how we compute it. */
import { z } from 'zod';
import { NotUnderstood } from '../../fixture.ts';

export interface StatisticKind {
  /**
   * Computes a case. Objects are compared entry by entry for the expected entries; maps must have exactly the expected entries.
   *
   * @param wanted names of the expected entries: some carry a parameter (`switchDr_2`)
   */
  run(input: unknown, wanted: readonly string[]): unknown;
  /** Entries with only a relative tolerance, because their small values matter. */
  tails: readonly string[];
}

/** Declares a kind. A case whose input does not match the schema is not understood. */
export const kind = <S extends z.ZodType>(
  schema: S,
  compute: (input: z.output<S>, wanted: readonly string[]) => unknown,
  { tails = [] }: { tails?: readonly string[] } = {},
): StatisticKind => ({
  run: (input, wanted) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new NotUnderstood(problemsOf(parsed.error));
    return compute(parsed.data, wanted);
  },
  tails,
});

/** The problems that a schema found, on one line. */
export const problemsOf = (failure: z.ZodError): string => z.prettifyError(failure).replaceAll(/\s*\n\s*/g, ' ');

export const level = z.number().gt(0).lt(1);
export const count = z.number().min(0);
export const numbers = z.array(z.number()).min(1);
export const matrix = z.array(z.array(z.number())).min(1);
export const sides = z.union([z.literal(1), z.literal(2)]);
