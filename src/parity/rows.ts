/** Rows in one piece: a fixture's, and those of a split. */
import type { Batch, SplitReader } from '../data/prepared.ts';
import type { Fixture } from './fixture.ts';

/** Rows of `<prefix>ids`, `<prefix>scenario` and `<prefix>labels`. */
export function readBatch(
  fixture: Fixture,
  prefix: string,
  { fields, tasks }: { fields: number; tasks: number },
): Batch {
  const size = fixture.tensor(`${prefix}ids`).shape[0] ?? 0;
  return {
    size,
    ids: fixture.ints(`${prefix}ids`, [size, fields]),
    scenario: fixture.ints(`${prefix}scenario`, [size]),
    labels: fixture.floats(`${prefix}labels`, [size, tasks]),
    weight: new Float32Array(size).fill(1),
    group: new Int32Array(size).fill(-1),
    row: Int32Array.from({ length: size }, (_, row) => row),
  };
}

/** All rows of a split, in stored order; it must have some. */
export async function wholeSplit(reader: SplitReader): Promise<Batch> {
  for await (const batch of reader.batches({ batchSize: reader.rows })) return batch;
  throw new Error('the split has no rows');
}
