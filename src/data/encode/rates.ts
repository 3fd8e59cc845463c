/** Fields whose ids follow from the ids of other fields of the row: rates of a label, as buckets (docs/data.md). */
import { firstSlots, type PreparedField, type PreparedRates, RESERVED_IDS } from './ids.ts';

/** Of a rate field: the id, within the field, of every combination of values that training rows have. */
export interface RateTable {
  /** Combinations, as `rateKeySql` numbers them. */
  keys: readonly number[];
  /** [keys] */
  ids: readonly number[];
}

/** Writes the ids of the rate fields of the row at `into[offset]`, whose other slots are filled. */
export type RateWriter = (into: Int32Array, offset: number) => void;

/** The fields that a rate is of, in the order of its keys. */
export const ratedFields = (fields: readonly PreparedField[], { of }: Pick<PreparedRates, 'of'>): PreparedField[] =>
  of.map((name) => fields.find((field) => field.name === name) as PreparedField);

export function rateWriter(fields: readonly PreparedField[], tableOf: (field: string) => RateTable): RateWriter {
  const slots = firstSlots(fields);
  const writers = fields.flatMap((field, f) => {
    const { rates } = field;
    return rates === undefined ? [] : [writerOf(field, rates, slots[f], fields, slots, tableOf(field.name))];
  });
  return (into, offset) => {
    for (const write of writers) write(into, offset);
  };
}

function writerOf(
  { offset: first }: PreparedField,
  rates: PreparedRates,
  slot: number,
  fields: readonly PreparedField[],
  slots: readonly number[],
  { keys, ids }: RateTable,
): RateWriter {
  const idOf = new Map(keys.map((key, i) => [key, ids[i]]));
  const places = ratedFields(fields, rates).map((field) => ({ ...field, slot: slots[fields.indexOf(field)] }));
  return (into, offset) => {
    let key = 0;
    let factor = 1;
    let isKnown = true;
    for (const place of places) {
      const id = into[offset + place.slot] - place.offset;
      if (id < RESERVED_IDS) isKnown = false;
      key += factor * id;
      factor *= place.size;
    }
    into[offset + slot] = first + ((isKnown ? idOf.get(key) : undefined) ?? rates.unknown);
  };
}

/** SQL of the same key from the SQL of the ids: a BIGINT, NULL where a value is missing or not in its vocabulary. */
export function rateKeySql(fields: readonly Pick<PreparedField, 'size'>[], ids: readonly string[]): string {
  let factor = 1;
  const terms = fields.map(({ size }, i) => {
    const term = `${factor}::BIGINT * (${ids[i]})::BIGINT`;
    factor *= size;
    return term;
  });
  const known = ids.map((id) => `(${id}) >= ${RESERVED_IDS}`).join(' AND ');
  return `CASE WHEN ${known} THEN ${terms.join(' + ')} END`;
}
