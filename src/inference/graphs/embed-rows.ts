/**
 * Rows of ids -> embeddings, inside a graph. It adds in the same order as the kernels (src/kernels), so both give the same numbers.
 * Tables have zeros in the rows of padding (trained.ts).
 */

import { PADDING_ID, type PreparedField } from '../../data/encode/ids.ts';
import {
  add,
  cast,
  concat,
  div,
  equal,
  gather,
  maximum,
  reduceSum,
  reshape,
  slice,
  sub,
  type Tensor,
} from '../../graph/index.ts';

type Field = Pick<PreparedField, 'offset' | 'slots' | 'pooling'>;

/** ids int32 [B, slots], table [V, D] -> [B, F*D]: for a multi-value field the mean or sum of its values, or zeros without values. */
export function embedRows(ids: Tensor, table: Tensor, fields: readonly Field[]): Tensor {
  const width = table.shape[1] as number;
  const rows = gather(table, ids); // [B,slots,D]
  const slots = ids.shape[1] as number;
  if (slots === fields.length) return reshape(rows, ['B', slots * width]);
  // Adjacent single-value fields stay one piece.
  const pieces: Tensor[] = [];
  let first = 0;
  let slot = 0;
  const single = (end: number): void => {
    if (end > first) pieces.push(reshape(slice(rows, 1, first, end), ['B', (end - first) * width]));
  };
  for (const field of fields) {
    if (field.slots > 1) {
      single(slot);
      pieces.push(pool(rows, ids, slot, field));
      first = slot + field.slots;
    }
    slot += field.slots;
  }
  single(slot);
  return concat(pieces, 1); // [B,F*D]
}

/** Adds one after another, as the kernels do: the order of a reduction in ONNX Runtime depends on the batch. */
function pool(rows: Tensor, ids: Tensor, slot: number, { offset, slots, pooling }: Field): Tensor {
  const width = rows.shape[2] as number;
  const values = Array.from({ length: slots }, (_, i) => reshape(slice(rows, 1, slot + i, slot + i + 1), ['B', width])); // slots of [B,D]
  const sum = values.reduce(add); // [B,D]
  if (pooling === 'sum') return sum;
  const count = reduceSum(isValue(slice(ids, 1, slot, slot + slots), offset), [1], true); // [B,1], whole numbers
  return div(sum, maximum(count, 1)); // [B,D]
}

/** 1 if an id of a field is a value, 0 if it is padding. */
export const isValue = (ids: Tensor, offset: number): Tensor =>
  sub(1, cast(equal(ids, offset + PADDING_ID), 'float32'));
