/** Values of rows shuffled within scenarios. */
import { range } from '../../base/numbers.ts';
import { type Random, random, shuffle } from '../../base/random.ts';
import type { DrawnRows } from '../rows.ts';
import type { Feature } from './features.ts';

/** [N] the row that each row's values come from: a permutation of the rows of each scenario. */
export function shuffledSources({ size, scenario }: DrawnRows, seed: number, repeat: number): Int32Array {
  const generator = random('importance', seed, repeat);
  const source = new Int32Array(size);
  for (const rows of rowsByScenario(scenario)) shuffleInto(source, rows, generator);
  return source;
}

function shuffleInto(source: Int32Array, rows: Int32Array, generator: Random): void {
  const from = rows.slice();
  shuffle(from, generator);
  rows.forEach((row, i) => {
    source[row] = from[i];
  });
}

function rowsByScenario(scenario: Int32Array): Int32Array[] {
  const lists: number[][] = Array.from({ length: scenario.reduce((max, s) => Math.max(max, s + 1), 0) }, () => []);
  scenario.forEach((s, row) => {
    lists[s].push(row);
  });
  return lists.map((list) => Int32Array.from(list));
}

/** The rows with the values of a feature from other rows; everything else is shared. */
export function withShuffled(rows: DrawnRows, { places }: Feature, source: Int32Array): DrawnRows {
  const copies = { ids: rows.ids.slice(), sequences: rows.sequences?.slice() };
  for (const { of, first, count } of places) {
    const [from, to, width] = [rows[of], copies[of], rows.widths[of]];
    if (from === undefined || to === undefined) continue;
    for (let row = 0; row < rows.size; row++)
      for (let i = first; i < first + count; i++) to[row * width + i] = from[source[row] * width + i];
  }
  return { ...rows, ids: copies.ids, ...(copies.sequences && { sequences: copies.sequences }) };
}

/** Do the rows of some scenario have different values of a feature? */
export function varies(rows: DrawnRows, { places }: Feature): boolean {
  const firstOf = new Map<number, number>();
  return range(rows.size).some((row) => {
    const first = firstOf.get(rows.scenario[row]);
    if (first === undefined) firstOf.set(rows.scenario[row], row);
    return first !== undefined && places.some((place) => differs(rows, place, row, first));
  });
}

function differs(rows: DrawnRows, { of, first, count }: Feature['places'][number], a: number, b: number): boolean {
  const [values, width] = [rows[of], rows.widths[of]];
  if (values === undefined) return false;
  for (let i = first; i < first + count; i++) if (values[a * width + i] !== values[b * width + i]) return true;
  return false;
}
