/** How close is close enough: the `tolerance` table of a fixture. */
import { z } from 'zod';
import { NotUnderstood } from './fixture.ts';

/** An element passes when |found - expected| <= atol + rtol * |expected|. */
export interface Tolerance {
  rtol: number;
  atol: number;
  /** Compare only elements whose gradient is at least so large: Adam makes whole steps of rounding noise. */
  leastGradient?: number;
}

export const EXACT: Tolerance = { rtol: 0, atol: 0 };

const entrySchema = z.union([
  z.literal('exact').transform((): Tolerance => EXACT),
  z
    .strictObject({ rtol: z.number().min(0), atol: z.number().min(0), where: z.string().optional() })
    .transform(({ rtol, atol, where }, context): Tolerance => {
      if (where === undefined) return { rtol, atol };
      const least = /^\|grad\| >= (\S+)$/.exec(where)?.[1];
      if (least === undefined || !(Number(least) >= 0)) {
        context.addIssue({ code: 'custom', message: `"where" is "${where}", known is "|grad| >= NUMBER"` });
        return z.NEVER;
      }
      return { rtol, atol, leastGradient: Number(least) };
    }),
]);

export type Tolerances = (name: string) => Tolerance;

/** Reads a table; the entry for a name is its own, or that of the part before its first dot (`adam3_groups`: of `adam3`). */
export function readTolerances(table: unknown): Tolerances {
  if (typeof table !== 'object' || table === null) throw new NotUnderstood('it has no tolerances');
  const entries = new Map<string, Tolerance>();
  for (const [key, entry] of Object.entries(table)) {
    if (key === 'meaning') continue;
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) throw new NotUnderstood(`tolerance "${key}": ${z.prettifyError(parsed.error)}`);
    entries.set(key, parsed.data);
  }
  return (name) => {
    const kind = name.split('.')[0];
    const found = entries.get(name) ?? entries.get(kind) ?? entries.get(kind.split('_')[0]);
    if (found === undefined) throw new NotUnderstood(`it has no tolerance for ${name}`);
    return found;
  };
}
