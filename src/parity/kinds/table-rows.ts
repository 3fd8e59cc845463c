/** Maps rows of a reference's embedding table to ours, which has reserved rows before the rows of each field. */
import { z } from 'zod';
import { RESERVED_IDS } from '../../data/encode/ids.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { NotUnderstood } from '../fixture.ts';
import type { ReferenceModel } from '../reference-model.ts';

/** The reference's ids of a field: from .. to-1. */
export interface FieldRange {
  from: number;
  to: number;
}

const entries = z.object({ field_offsets: z.array(z.int()).optional(), vocab: z.array(z.int()).optional() });

/** The range of each field's ids in the reference's table; rows after all fields belong to the last field. */
export function fieldRanges({ config, sizes, tableRows }: ReferenceModel): FieldRange[] {
  const { field_offsets: offsets, vocab } = entries.parse(config);
  const starts = offsets ?? vocab?.map((_, i) => vocab.slice(0, i).reduce((sum, size) => sum + size, 0));
  if (starts?.length !== sizes.fields)
    throw new NotUnderstood('its configuration does not say where the ids of each field begin');
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? tableRows }));
}

export interface RowMap {
  /** [V, D] of ours; reserved rows are zero. */
  toOurs(reference: Float32Array, dimension: number): Float32Array;
  /** [rows, D] of the reference's. */
  toReference(ours: Float32Array, dimension: number, rows: number): Float32Array;
}

/** For a data set whose tokens are the reference's ids. */
export async function rowMap({ manifest, tokens }: PreparedData): Promise<RowMap> {
  const pairs: [reference: number, ours: number][] = [];
  for (const { name, offset } of manifest.fields)
    (await tokens(name)).forEach((token, id) => {
      if (id >= RESERVED_IDS) pairs.push([Number(token), offset + id]);
    });
  return {
    toOurs(reference, dimension) {
      const ours = new Float32Array(manifest.tableRows * dimension);
      for (const [from, to] of pairs)
        ours.set(reference.subarray(from * dimension, (from + 1) * dimension), to * dimension);
      return ours;
    },
    toReference(ours, dimension, rows) {
      const reference = new Float32Array(rows * dimension).fill(Number.NaN);
      for (const [to, from] of pairs)
        reference.set(ours.subarray(from * dimension, (from + 1) * dimension), to * dimension);
      return reference;
    },
  };
}
