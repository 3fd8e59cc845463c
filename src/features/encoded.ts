/** The values of a table as ids of a model: one entry for each distinct value, by the encoder of requests. */
import type { RowEncoder } from '../data/encode/encoder.ts';
import { type FeatureTable, valueAt, valuesOf } from './table.ts';

/** The ids of a field's values. */
export interface EncodedColumn {
  name: string;
  /** First slot in a row, and slots. */
  slot: number;
  slots: number;
  /** [rows]: which entry of `ids` a row has. */
  places: Uint32Array;
  /** [values + 1, slots], the missing value first. */
  ids: Int32Array;
}

/** Values encoded before other work of this thread gets its turn. */
const AT_ONCE = 2000;

export async function encodeTable(table: FeatureTable, encoder: RowEncoder): Promise<EncodedColumn[]> {
  const columns: EncodedColumn[] = [];
  const row = new Int32Array(encoder.slots);
  for (const field of table.fields) {
    const { name, places } = field;
    const { slot, slots } = placeOf(encoder, name);
    const own = encoder.only([name]);
    const count = valuesOf(field);
    const ids = new Int32Array((count + 1) * slots);
    for (let place = 0; place <= count; place++) {
      own.encode({ [name]: valueAt(field, place) }, row);
      ids.set(row.subarray(slot, slot + slots), place * slots);
      if (place % AT_ONCE === AT_ONCE - 1) await new Promise((done) => setImmediate(done));
    }
    columns.push({ name, slot, slots, places, ids });
  }
  return columns;
}

function placeOf({ fields }: RowEncoder, name: string): { slot: number; slots: number } {
  let slot = 0;
  for (const field of fields) {
    if (field.name === name) return { slot, slots: field.slots };
    slot += field.slots;
  }
  throw new Error(`the model has no field ${name}`);
}
