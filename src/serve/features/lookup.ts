/** What tables give to one request: values that it does not send itself. */
import type { EncodedColumn } from '../../features/encoded.ts';
import { valueAt } from '../../features/table.ts';
import type { Values } from '../ranker/contract.ts';
import type { RankerTable } from './tables.ts';

/** One table's part in a request. */
export interface Lookup {
  table: RankerTable;
  /** Columns of fields that the request does not send for all items. */
  columns: EncodedColumn[];
  /** Such fields that are the id itself. */
  idFields: string[];
  /** [size] of an item's table, [1] of a user's: rows that were found, -1 for none. */
  rows: Int32Array;
  /** The ids as they were sent. */
  ids: unknown[];
}

/**
 * Looks up the ids of a request.
 *
 * @param sent what it sends for all items
 * @param ids of the user's tables one id, of the items' tables one for each item
 * @param isCounted are they counted?
 */
export function lookUp(table: RankerTable, sent: Values, ids: unknown[], isCounted: boolean): Lookup {
  const { counts, data, info, columns } = table;
  const rows = new Int32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    const isId = typeof id === 'string' || typeof id === 'number';
    rows[i] = isId ? data.find(id) : -1;
    if (isCounted) counts[isId ? (rows[i] < 0 ? 'missing' : 'found') : 'none']++;
  }
  return {
    table,
    columns: columns.filter(({ name }) => !(name in sent)),
    idFields: info.idFields.filter((name) => !(name in sent)),
    rows,
    ids,
  };
}

/** Writes the ids of the values of entry `i` at `into[offset ...]`; does nothing where its row was not found. */
export function writeFound({ columns, rows }: Lookup, i: number, into: Int32Array, offset: number): void {
  const row = rows[i];
  if (row < 0) return;
  for (const { slot, slots, places, ids } of columns) {
    const from = places[row] * slots;
    for (let k = 0; k < slots; k++) into[offset + slot + k] = ids[from + k];
  }
}

/** The values of entry `i` as a request would have sent them. */
export function valuesFound(lookups: readonly Lookup[], i: number): Values {
  const values: Values = {};
  for (const { table, columns, idFields, rows, ids } of lookups) {
    if (ids[i] !== undefined) for (const name of idFields) values[name] = ids[i];
    if (rows[i] < 0) continue;
    for (const { name, places } of columns) {
      const field = table.data.fields.find((each) => each.name === name);
      const value = field && valueAt(field, places[rows[i]]);
      if (value !== undefined) values[name] = value;
    }
  }
  return values;
}
