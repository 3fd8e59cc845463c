/** A data set as if it had only some of its fields: for models that do not read the others. */
import { type PreparedField, slotsOf } from '../encode/ids.ts';
import type { Batch, Manifest, PreparedData } from './prepared.ts';

/**
 * The data set with the named fields alone: rows have their slots, and tables their rows, one field after another. The data set
 * itself if it has no others.
 *
 * @param names must contain the item field of sequences
 */
export function withFields(data: PreparedData, names: ReadonlySet<string>): PreparedData {
  const { fields, config } = data.manifest;
  const isKept = ({ name }: { name: string }): boolean => names.has(name);
  if (fields.every(isKept)) return data;
  const kept = movedTogether(fields.filter(isKept));
  const manifest: Manifest = {
    ...data.manifest,
    config: { ...config, fields: config.fields.filter(isKept) },
    fields: kept,
    tableRows: kept.reduce((sum, { size }) => sum + size, 0),
  };
  const ofBatch = narrowing(data.manifest, kept);
  return {
    ...data,
    manifest,
    async open(split) {
      const reader = await data.open(split);
      return { ...reader, batches: (options) => mapped(reader.batches(options), ofBatch) };
    },
    batches: (split) => mapped(data.batches(split), ofBatch),
  };
}

/** The fields with offsets that follow on each other. */
function movedTogether(fields: readonly PreparedField[]): PreparedField[] {
  let offset = 0;
  return fields.map((field) => {
    const moved = { ...field, offset };
    offset += field.size;
    return moved;
  });
}

async function* mapped<A, B>(all: AsyncIterable<A>, to: (one: A) => B): AsyncGenerator<B> {
  for await (const one of all) yield to(one);
}

/** Batches of the whole data set -> batches of the kept fields, whose offsets have changed. */
function narrowing({ fields, sequences }: Manifest, kept: readonly PreparedField[]): (batch: Batch) => Batch {
  const slots = slotsOf(fields);
  // By slot that is kept: its place in a whole row, and how far its ids move.
  const from: number[] = [];
  const moves: number[] = [];
  let first = 0;
  let itemMove = 0;
  for (const field of fields) {
    const own = kept.find(({ name }) => name === field.name);
    for (let slot = first; own !== undefined && slot < first + field.slots; slot++) {
      from.push(slot);
      moves.push(field.offset - own.offset);
    }
    if (own !== undefined && field.name === sequences?.itemField) itemMove = field.offset - own.offset;
    first += field.slots;
  }
  return (batch) => {
    const ids = new Int32Array(batch.size * from.length);
    for (let row = 0; row < batch.size; row++)
      for (let i = 0; i < from.length; i++) ids[row * from.length + i] = batch.ids[row * slots + from[i]] - moves[i];
    return { ...batch, ids, ...(batch.sequences && { sequences: batch.sequences.map((id) => id - itemMove) }) };
  };
}
