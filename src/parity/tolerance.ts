/** Reads the `tolerance` table of a fixture. */
import { z } from 'zod';
import { NotUnderstood } from './fixture.ts';

/** An element passes when |found - expected| <= atol + rtol * |expected|. */
export interface Tolerance {
  rtol: number;
  atol: number;
  /** Compare only elements with at least this gradient, because Adam turns rounding noise into full steps. */
  leastGradient?: number;
}

export const EXACT: Tolerance = { rtol: 0, atol: 0 };

const entrySchema = z.strictObject({ rtol: z.number().min(0), atol: z.number().min(0), where: z.string().optional() });

export type Tolerances = (name: string) => Tolerance;

/** Reads a table; the entry for a name is the one with this name, or with the part before its first dot (`adam3_groups`: `adam3`). */
export function readTolerances(table: unknown): Tolerances {
  if (typeof table !== 'object' || table === null) throw new NotUnderstood('it has no tolerances');
  const entries = new Map(
    Object.entries(table)
      .filter(([key]) => key !== 'meaning')
      .map(([key, entry]) => [key, readEntry(key, entry)]),
  );
  return (name) => {
    const kind = name.split('.')[0];
    const found = entries.get(name) ?? entries.get(kind) ?? entries.get(kind.split('_')[0]);
    if (found === undefined) throw new NotUnderstood(`it has no tolerance for ${name}`);
    return found;
  };
}

function readEntry(key: string, entry: unknown): Tolerance {
  if (entry === 'exact') return EXACT;
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw new NotUnderstood(`tolerance "${key}": ${z.prettifyError(parsed.error)}`);
  const { rtol, atol, where } = parsed.data;
  if (where === undefined) return { rtol, atol };
  const least = Number(/^\|grad\| >= (\S+)$/.exec(where)?.[1]);
  if (Number.isNaN(least))
    throw new NotUnderstood(`tolerance "${key}" holds where "${where}", known is "|grad| >= NUMBER"`);
  return { rtol, atol, leastGradient: least };
}
