/** A part of a split's rows, read as if there were no others: for models that learn some scenarios or tasks alone. */
import { closable } from '../../base/disposal.ts';
import type { Batch, BatchOptions, SplitReader } from './prepared.ts';

export interface Subset {
  /** Indices of the scenarios whose rows are read. Default: all. */
  scenarios?: readonly number[];
  /** Indices of the tasks whose labels are read; those of others are missing. Default: all. */
  tasks?: readonly number[];
}

/**
 * Reads the part. Batches are full but for the last, `row` counts the part's own rows in stored order. Finding them takes
 * one pass over the split, and two bits for each of its rows.
 */
export async function readSubset(reader: SplitReader, { scenarios, tasks }: Subset): Promise<SplitReader> {
  const places = scenarios && (await findPlaces(reader, new Set(scenarios)));
  const hidden = tasks && new Set(tasks);
  return {
    ...closable,
    rows: places?.rows ?? reader.rows,
    close: () => reader.close(),
    async *batches(options) {
      const batches = places === undefined ? reader.batches(options) : chosenRows(reader, places, options);
      for await (const batch of batches) {
        if (hidden !== undefined) hideLabels(batch, hidden);
        yield batch;
      }
    },
  };
}

function hideLabels({ size, labels }: Batch, shown: ReadonlySet<number>): void {
  const tasks = labels.length / size;
  for (let i = 0; i < labels.length; i++) if (!shown.has(i % tasks)) labels[i] = Number.NaN;
}

/** Where the rows of some scenarios are: a bit for each row of the split, and a count before each word of bits. */
interface Places {
  bits: Uint32Array;
  before: Uint32Array;
  rows: number;
}

async function findPlaces(reader: SplitReader, scenarios: ReadonlySet<number>): Promise<Places> {
  const words = Math.ceil(reader.rows / 32);
  const bits = new Uint32Array(words);
  for await (const { size, scenario, row } of reader.batches({ batchSize: 16384 }))
    for (let i = 0; i < size; i++) if (scenarios.has(scenario[i])) bits[row[i] >>> 5] |= 1 << (row[i] & 31);
  const before = new Uint32Array(words);
  let rows = 0;
  for (let word = 0; word < words; word++) {
    before[word] = rows;
    rows += ones(bits[word]);
  }
  return { bits, before, rows };
}

const isIn = ({ bits }: Places, row: number): boolean => ((bits[row >>> 5] >>> (row & 31)) & 1) === 1;

/** Position of a row among the rows of the part. */
const placeOf = ({ bits, before }: Places, row: number): number =>
  before[row >>> 5] + ones(bits[row >>> 5] & ((1 << (row & 31)) - 1));

/** Bits of a word that are 1. */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The rows of the part in the order of the split, in batches of their own. */
async function* chosenRows(reader: SplitReader, places: Places, options: BatchOptions): AsyncGenerator<Batch> {
  const { batchSize, shuffle, firstBatch = 0 } = options;
  let skip = firstBatch * batchSize;
  let filled = 0;
  let out: Batch | undefined;
  for await (const batch of reader.batches({ batchSize, shuffle })) {
    out ??= emptyCopy(batch, batchSize);
    for (let i = 0; i < batch.size; i++) {
      if (!isIn(places, batch.row[i]) || skip-- > 0) continue;
      copyRow(batch, i, out, filled);
      out.row[filled] = placeOf(places, batch.row[i]);
      if (++filled < batchSize) continue;
      yield out;
      filled = 0;
    }
  }
  if (out !== undefined && filled > 0) yield cut(out, filled);
}

/** Arrays of a batch that have an entry, or several, for each row. */
const ARRAYS = ['ids', 'sequences', 'scenario', 'labels', 'weight', 'group', 'row'] as const;

/** A batch with room for `size` rows, of the kind of another. */
function emptyCopy(batch: Batch, size: number): Batch {
  const room = <A extends Int32Array | Float32Array>(array: A): A =>
    new (array.constructor as new (length: number) => A)((array.length / batch.size) * size);
  return {
    size,
    ids: room(batch.ids),
    ...(batch.sequences && { sequences: room(batch.sequences) }),
    scenario: room(batch.scenario),
    labels: room(batch.labels),
    weight: room(batch.weight),
    group: room(batch.group),
    row: room(batch.row),
  };
}

function copyRow(from: Batch, row: number, to: Batch, place: number): void {
  for (const name of ARRAYS) {
    const [source, target] = [from[name], to[name]];
    if (source === undefined || target === undefined) continue;
    const width = source.length / from.size;
    for (let i = 0; i < width; i++) target[place * width + i] = source[row * width + i];
  }
}

/** The first rows of a batch. */
function cut(batch: Batch, size: number): Batch {
  const first = <A extends Int32Array | Float32Array>(array: A): A =>
    array.subarray(0, (array.length / batch.size) * size) as A;
  return {
    size,
    ids: first(batch.ids),
    ...(batch.sequences && { sequences: first(batch.sequences) }),
    scenario: first(batch.scenario),
    labels: first(batch.labels),
    weight: first(batch.weight),
    group: first(batch.group),
    row: first(batch.row),
  };
}
