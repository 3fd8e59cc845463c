/** What a kind of case is: how its input reads, and what we make of it. */
import { z } from 'zod';
import { NotUnderstood } from '../../fixture.ts';

export interface StatisticKind {
  /**
   * Computes a case. Objects are compared entry by entry as far as the case expects them; maps have to hold exactly what it expects.
   *
   * @param wanted names of the expected entries: some carry a parameter (`switchDr_2`)
   */
  run(input: unknown, wanted: readonly string[]): unknown;
  /** Entries that are compared relatively alone, because small values of them matter. */
  tails: readonly string[];
}

/** Declares a kind: input that its schema does not know makes the case not understood. */
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

/** What a schema found, on one line. */
export const problemsOf = (failure: z.ZodError): string => z.prettifyError(failure).replaceAll(/\s*\n\s*/g, ' ');

export const level = z.number().gt(0).lt(1);
export const count = z.number().min(0);
export const numbers = z.array(z.number()).min(1);
export const matrix = z.array(z.array(z.number())).min(1);
export const sides = z.union([z.literal(1), z.literal(2)]);
