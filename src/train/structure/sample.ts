/** A sample of the rows of a data set, in memory and as small as its rows: for trainings of a few seconds. */
import { closable } from '../../base/disposal.ts';
import { random, shuffle } from '../../base/random.ts';
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { OUT_OF_VOCABULARY_ID, RESERVED_IDS, slotsOf } from '../../data/encode/ids.ts';
import type { Batch, Manifest, PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { openPart } from '../../inference/model/run-data.ts';

/** Rows of training and of validation. */
export interface Sample {
  data: PreparedData;
  train: SplitReader;
  validation: SplitReader;
  /** The rows of `validation` in stored order, all in one batch. */
  held: Batch;
}

export interface SampleSize {
  rows: number;
  validationRows: number;
  seed: number;
}

/**
 * Draws the rows. Ids are numbered anew, by field, in the order in which training rows meet them; what they do not meet counts as not in
 * the vocabulary. So tables are as large as the sample, however large those of the data set are. Sequences are left out.
 *
 * @throws errors of openPart
 */
export async function sampleRows(
  data: PreparedData,
  part: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
  { rows, validationRows, seed }: SampleSize,
): Promise<Sample> {
  const [train, held] = [
    await readRows(data, 'train', part, { limit: rows, seed }),
    await readRows(data, 'validation', part, { limit: validationRows, seed }),
  ];
  const { manifest, renumber } = smaller(data.manifest, train);
  for (const drawn of [train, held]) renumber(drawn);
  const [trainReader, validation] = [memoryReader(train), memoryReader(held)];
  const open = async (split: SplitName): Promise<SplitReader> => (split === 'train' ? trainReader : validation);
  return { data: { ...data, manifest, open }, train: trainReader, validation, held };
}

/** Up to `limit` rows of a split, drawn by the seed, as one batch. */
async function readRows(
  data: PreparedData,
  split: SplitName,
  part: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
  { limit, seed }: { limit: number; seed: number },
): Promise<Batch> {
  const reader = await openPart(data, split, part);
  const size = Math.min(limit, reader.rows);
  const [slots, tasks] = [slotsOf(data.manifest.fields), data.manifest.tasks.length];
  const drawn = emptyBatch(size, slots, tasks);
  let filled = 0;
  try {
    const options = { batchSize: 4096, ...(size < reader.rows && { shuffle: { seed, epoch: 0 } }) };
    for await (const batch of reader.batches(options)) {
      const count = Math.min(batch.size, size - filled);
      for (const name of ARRAYS) {
        const width = batch[name].length / batch.size;
        drawn[name].set(batch[name].subarray(0, count * width), filled * width);
      }
      filled += count;
      if (filled === size) break;
    }
  } finally {
    await reader.close();
  }
  for (let row = 0; row < size; row++) drawn.row[row] = row;
  return drawn;
}

const emptyBatch = (size: number, slots: number, tasks: number): Batch => ({
  size,
  ids: new Int32Array(size * slots),
  scenario: new Int32Array(size),
  labels: new Float32Array(size * tasks),
  weight: new Float32Array(size),
  group: new Int32Array(size),
  row: new Int32Array(size),
});

const ARRAYS = ['ids', 'scenario', 'labels', 'weight', 'group', 'row'] as const;

/** Copies rows, `width` numbers each, to the beginning of `to`. All are copied as integers: one kind of array is several times as fast as two. */
function gather(from: Int32Array | Float32Array, rows: Int32Array, to: Int32Array | Float32Array, width: number): void {
  const [source, target] = [bitsOf(from), bitsOf(to)];
  for (let k = 0; k < rows.length; k++) {
    const first = rows[k] * width;
    for (let i = 0; i < width; i++) target[k * width + i] = source[first + i];
  }
}

const bitsOf = ({ buffer, byteOffset, length }: Int32Array | Float32Array): Int32Array =>
  new Int32Array(buffer, byteOffset, length);

/** A manifest without the table rows that no row of `train` reads, and how ids are numbered in it. */
function smaller(manifest: Manifest, train: Batch): { manifest: Manifest; renumber: (batch: Batch) => void } {
  const slots = slotsOf(manifest.fields);
  const numbers: Map<number, number>[] = [];
  let from = 0;
  let offset = 0;
  const fields = manifest.fields.map((field) => {
    const number = new Map<number, number>(Array.from({ length: RESERVED_IDS }, (_, id) => [field.offset + id, id]));
    for (let row = 0; row < train.size; row++)
      for (let slot = from; slot < from + field.slots; slot++) {
        const id = train.ids[row * slots + slot];
        if (!number.has(id)) number.set(id, number.size);
      }
    numbers.push(number);
    const kept = { ...field, offset, size: number.size };
    from += field.slots;
    offset += number.size;
    return kept;
  });
  const { sequences: _, ...own } = manifest;
  return {
    manifest: { ...own, fields, tableRows: offset },
    renumber({ ids, size }) {
      let first = 0;
      for (const [j, field] of fields.entries()) {
        for (let row = 0; row < size; row++)
          for (let slot = first; slot < first + field.slots; slot++)
            ids[row * slots + slot] = field.offset + (numbers[j].get(ids[row * slots + slot]) ?? OUT_OF_VOCABULARY_ID);
        first += field.slots;
      }
    },
  };
}

/** Reads rows in memory. A batch is overwritten by the next one of its pass. */
function memoryReader(all: Batch): SplitReader {
  const [slots, tasks] = [all.ids.length / all.size, all.labels.length / all.size];
  return {
    ...closable,
    rows: all.size,
    close: async () => {},
    async *batches({ batchSize, shuffle: order, firstBatch = 0 }) {
      const rows = Int32Array.from({ length: all.size }, (_, row) => row);
      if (order !== undefined) shuffle(rows, random('shuffle', order.seed, order.epoch));
      let batch = emptyBatch(Math.min(batchSize, all.size), slots, tasks);
      for (let at = firstBatch * batchSize; at < all.size; at += batchSize) {
        const own = rows.subarray(at, at + batchSize);
        if (own.length !== batch.size) batch = emptyBatch(own.length, slots, tasks);
        gather(all.ids, own, batch.ids, slots);
        gather(all.scenario, own, batch.scenario, 1);
        gather(all.labels, own, batch.labels, tasks);
        gather(all.weight, own, batch.weight, 1);
        gather(all.group, own, batch.group, 1);
        gather(all.row, own, batch.row, 1);
        yield batch;
      }
    },
  };
}
