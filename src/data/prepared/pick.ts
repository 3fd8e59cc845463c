/** Some rows of many. */
import type { Batch } from './prepared.ts';

type Rows = Pick<Batch, 'size' | 'ids'> & Partial<Pick<Batch, 'scenario' | 'sequences'>>;
type Picked<R extends Rows> = Pick<R, keyof R & keyof Rows>;

/** The rows at `places`, in that order: copies. Arrays of `rows` may have room for more rows than it holds, all for as many. */
export function pickRows<R extends Rows>({ size, ids, scenario, sequences }: R, places: readonly number[]): Picked<R> {
  const room = scenario?.length ?? size;
  const pick = (from: Int32Array): Int32Array => {
    const width = from.length / room;
    const picked = new Int32Array(places.length * width);
    for (const [i, place] of places.entries()) picked.set(from.subarray(place * width, (place + 1) * width), i * width);
    return picked;
  };
  return {
    size: places.length,
    ids: pick(ids),
    ...(scenario && { scenario: pick(scenario) }),
    ...(sequences && { sequences: pick(sequences) }),
  } as Picked<R>;
}

/** Those rows of a batch that are of one scenario, and their places in it. */
export function rowsOfScenario<R extends Rows & Pick<Batch, 'scenario'>>(
  rows: R,
  scenario: number,
): Picked<R> & { places: number[] } {
  const places = Array.from({ length: rows.size }, (_, i) => i).filter((i) => rows.scenario[i] === scenario);
  return { ...pickRows(rows, places), places };
}
