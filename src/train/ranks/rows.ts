/** Rows of a rank: rank r has the rows r, r + size, r + 2 size ... of every batch. */
import type { Collective } from '../../comm/contract.ts';
import type { Batch } from '../../data/prepared/prepared.ts';

export type Share = Pick<Collective, 'rank' | 'size'>;

/** How many of the rows of a batch a rank has. */
const rowCount = (rows: number, { rank, size }: Share): number => Math.max(0, Math.ceil((rows - rank) / size));

/** The rows of a rank, copied where there are several ranks. */
export function rowsOfRank(batch: Batch, share: Share): Batch {
  if (share.size === 1) return batch;
  const own = <A extends Int32Array | Float32Array>(all: A): A => {
    const width = all.length / batch.size;
    const copy = all.slice() as A;
    keepRows(copy, width, batch.size, share);
    return copy.subarray(0, rowCount(batch.size, share) * width) as A;
  };
  return {
    size: rowCount(batch.size, share),
    ids: own(batch.ids),
    scenario: own(batch.scenario),
    labels: own(batch.labels),
    weight: own(batch.weight),
    group: own(batch.group),
    row: own(batch.row),
    ...(batch.sequences && { sequences: own(batch.sequences) }),
  };
}

/** The first row of a batch, which a rank without rows scores for nothing: others may want table rows that it has. */
export const firstRow = (batch: Batch): Batch => rowsOfRank(batch, { rank: 0, size: batch.size });

/** Moves the rows of a rank to the front of an array [rows, width], in place. */
export function keepRows(all: Int32Array | Float32Array, width: number, rows: number, { rank, size }: Share): void {
  if (size === 1) return;
  for (let row = rank, to = 0; row < rows; row += size, to++)
    all.copyWithin(to * width, row * width, (row + 1) * width);
}
