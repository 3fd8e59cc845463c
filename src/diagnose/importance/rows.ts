/** Rows in memory, and their values shuffled within scenarios. */
import { range } from '../../base/numbers.ts';
import { type Random, random, shuffle } from '../../base/random.ts';
import { slotsOf } from '../../data/encode/ids.ts';
import type { Batch, Manifest, SplitReader } from '../../data/prepared/prepared.ts';
import { GroupNumbers } from '../../evaluate/significance/index.ts';
import type { Feature } from './features.ts';

/** All arrays as in `Batch`, of `size` rows. */
export interface DrawnRows extends Pick<Batch, 'size' | 'ids' | 'sequences' | 'scenario' | 'labels' | 'row'> {
  /** Ids, and ids of all sequences, of a row. */
  widths: { ids: number; sequences: number };
  /** [N] number of the row's group, below `groups`. */
  group: Int32Array;
  groups: number;
}

/** Up to `limit` rows of a split, drawn by the seed; all of them, in stored order, where there are no more. */
export async function drawRows(
  { fields, sequences, tasks }: Manifest,
  reader: SplitReader,
  { limit, seed }: { limit: number; seed: number },
): Promise<DrawnRows> {
  const size = Math.min(limit, reader.rows);
  const widths = { ids: slotsOf(fields), sequences: (sequences?.types.length ?? 0) * (sequences?.length ?? 0) };
  const rows = {
    ids: new Int32Array(size * widths.ids),
    ...(sequences && { sequences: new Int32Array(size * widths.sequences) }),
    scenario: new Int32Array(size),
    labels: new Float32Array(size * tasks.length),
    row: new Int32Array(size),
    group: new Int32Array(size),
  };
  const numbers = new GroupNumbers();
  let at = 0;
  const order = limit < reader.rows ? { shuffle: { seed, epoch: 0 } } : {};
  for await (const batch of reader.batches({ batchSize: 16_384, ...order })) {
    const n = Math.min(batch.size, size - at);
    rows.ids.set(batch.ids.subarray(0, n * widths.ids), at * widths.ids);
    if (batch.sequences !== undefined)
      rows.sequences?.set(batch.sequences.subarray(0, n * widths.sequences), at * widths.sequences);
    rows.scenario.set(batch.scenario.subarray(0, n), at);
    rows.labels.set(batch.labels.subarray(0, n * tasks.length), at * tasks.length);
    rows.row.set(batch.row.subarray(0, n), at);
    for (let i = 0; i < n; i++) rows.group[at + i] = numbers.of(batch.group[i]);
    at += n;
    if (at === size) break;
  }
  return { size, widths, ...rows, groups: numbers.count };
}

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

/** Consecutive rows, at most `most` at a time. */
export function* batchesOf(
  rows: DrawnRows,
  most: number,
): Generator<Pick<Batch, 'size' | 'ids' | 'sequences' | 'scenario' | 'row'>> {
  const { ids, sequences } = rows.widths;
  for (let from = 0; from < rows.size; from += most) {
    const to = Math.min(rows.size, from + most);
    yield {
      size: to - from,
      ids: rows.ids.subarray(from * ids, to * ids),
      ...(rows.sequences && { sequences: rows.sequences.subarray(from * sequences, to * sequences) }),
      scenario: rows.scenario.subarray(from, to),
      row: rows.row.subarray(from, to),
    };
  }
}
