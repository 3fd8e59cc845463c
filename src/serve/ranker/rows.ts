/** Encodes a request as rows of a graph: user and context once, then the fields of each candidate over a copy of them. */

import type { EncoderSource, RowEncoder, SequenceValues } from '../../data/encode/encoder.ts';
import { createRowEncoder } from '../../data/encode/encoder.ts';
import { OUT_OF_VOCABULARY_ID, PADDING_ID } from '../../data/encode/ids.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { type Lookup, lookUp, valuesFound, writeFound } from '../features/lookup.ts';
import type { RankerTable } from '../features/tables.ts';
import type { RankRequest, Rows, Values } from './contract.ts';

/** The rows of a request, and which fields differ among them. */
export interface EncodedRequest extends Rows {
  /** By field, in the artifact's order: do items give it? */
  ofItems: boolean[];
  /** Values that came from tables: those of all items, and those of one. Absent where there are no tables. */
  fromTables?: { shared(): Values; ofItem(index: number): Values };
}

export interface RequestEncoder {
  slots: number;
  /**
   * @param tables what the request does not send may come from them
   * @param isCounted are the ids that are looked up counted?
   * @throws ROW_VALUE_INVALID, SEQUENCE_INVALID
   */
  encode(request: RankRequest, tables?: readonly RankerTable[], isCounted?: boolean): EncodedRequest;
  /** What of a row can be unknown: each field, then the sequences if there are some. */
  parts: string[];
  /** Copies of row `row`, one for each list of parts, which are unknown in it. */
  without(rows: Rows, row: number, unknown: readonly (readonly number[])[]): Rows;
}

interface FieldPlace {
  name: string;
  index: number;
  /** First slot. */
  slot: number;
  slots: number;
  /** Id of an unknown value: out of vocabulary, padding for a multi-value field, the mean rate for a rate. */
  unknown: number;
  encoder: RowEncoder;
}

export function createRequestEncoder(source: EncoderSource, data: ArtifactManifest['data']): RequestEncoder {
  const encoder = createRowEncoder(source);
  const places = fieldPlaces(encoder);
  const byName = new Map(places.map((place) => [place.name, place]));
  const hasIdField = byName.has('id');
  const ofItem = new Map(byName);
  ofItem.delete('id'); // the id of an item names the candidate and is never the field
  const scenarioValues = scenarioValuesOf(data);
  const rates = encoder.fields.flatMap(({ rates }, index) =>
    rates === undefined ? [] : [{ index, of: rates.of.map((name) => byName.get(name)?.index ?? -1) }],
  );
  const { slots, sequences } = encoder;
  const sequenceSize = sequences === undefined ? 0 : sequences.types.length * sequences.length;
  const itemField = places.find(({ name }) => name === sequences?.itemField);
  const item = encoder.fields.find(({ name }) => name === sequences?.itemField);
  const padding = (item?.offset ?? 0) + PADDING_ID;

  /** What a table gives, and the fields that are the id itself. */
  const addFound = (lookup: Lookup, i: number, into: Int32Array, offset: number): void => {
    writeFound(lookup, i, into, offset);
    for (const name of lookup.idFields)
      if (lookup.ids[i] !== undefined) byName.get(name)?.encoder.encode({ [name]: lookup.ids[i] }, into, offset);
  };

  return {
    slots,
    parts: [...places.map(({ name }) => name), ...(itemField === undefined ? [] : ['sequences'])],
    encode({ scenario, user = {}, context = {}, items }, tables = [], isCounted = false) {
      const size = items.length;
      const ids = new Int32Array(size * slots);
      const ofItems = places.map(() => false);
      const shared = new Int32Array(slots);
      // Without a prototype: a field may be called "constructor".
      const sent: Values = Object.assign(Object.create(null), scenarioValues.get(scenario), user, context);
      encoder.encode(sent, shared);
      const ofTables = lookUpAll(tables, sent, items, isCounted);
      for (const lookup of ofTables.user) addFound(lookup, 0, shared, 0);
      for (const { columns, idFields } of ofTables.item)
        for (const name of [...columns.map((column) => column.name), ...idFields]) {
          const place = byName.get(name);
          if (place !== undefined) ofItems[place.index] = true;
        }
      const addValues = (values: Values, known: typeof byName, offset: number): void => {
        for (const name of Object.keys(values)) {
          const place = known.get(name);
          if (place === undefined) continue;
          place.encoder.encode(values, ids, offset);
          ofItems[place.index] = true;
        }
      };
      for (let row = 0; row < size; row++) {
        const item: Values = items[row];
        const offset = row * slots;
        ids.set(shared, offset);
        for (const lookup of ofTables.item) addFound(lookup, row, ids, offset);
        addValues(item, ofItem, offset);
        if (hasIdField && item.fields !== undefined) addValues(item.fields as Values, byName, offset);
        encoder.addRates(ids, offset);
      }
      for (const { index, of } of rates) ofItems[index] = of.some((place) => ofItems[place]);
      const encoded: EncodedRequest = { size, ids, ofItems };
      if (tables.length > 0)
        encoded.fromTables = {
          shared: () => valuesFound(ofTables.user, 0),
          ofItem: (index) => valuesFound(ofTables.item, index),
        };
      if (sequenceSize === 0) return encoded;
      const one = new Int32Array(sequenceSize);
      encoder.encodeSequences((user.sequences ?? {}) as SequenceValues, one);
      const all = new Int32Array(size * sequenceSize);
      for (let row = 0; row < size; row++) all.set(one, row * sequenceSize);
      return { ...encoded, sequences: all };
    },
    without(rows, row, unknown) {
      const original = rows.ids.subarray(row * slots, (row + 1) * slots);
      const ids = new Int32Array(unknown.length * slots);
      unknown.forEach((parts, copy) => {
        ids.set(original, copy * slots);
        for (const part of parts) {
          const place = places[part];
          if (place !== undefined)
            ids.fill(place.unknown, copy * slots + place.slot, copy * slots + place.slot + place.slots);
        }
      });
      if (rows.sequences === undefined) return { size: unknown.length, ids };
      const history = rows.sequences.subarray(row * sequenceSize, (row + 1) * sequenceSize);
      const sequences = new Int32Array(unknown.length * sequenceSize);
      unknown.forEach((parts, copy) => {
        const from = copy * sequenceSize;
        if (parts.includes(places.length)) sequences.fill(padding, from, from + sequenceSize);
        else sequences.set(history, from);
      });
      return { size: unknown.length, ids, sequences };
    },
  };
}

/** Looks up the id of the user in the user's tables, and that of each item in the items'. */
function lookUpAll(
  tables: readonly RankerTable[],
  sent: Values,
  items: RankRequest['items'],
  isCounted: boolean,
): { user: Lookup[]; item: Lookup[] } {
  const found: { user: Lookup[]; item: Lookup[] } = { user: [], item: [] };
  for (const table of tables) {
    const { of, sentAs } = table.info;
    const ids = of === 'user' ? [sent[sentAs]] : items.map((item) => item[sentAs]);
    found[of].push(lookUp(table, sent, ids, isCounted));
  }
  return found;
}

/** By scenario: the values of the fields that repeat the scenario under another name. */
export const scenarioValuesOf = ({ scenarios, scenarioFields }: ArtifactManifest['data']): Map<string, Values> =>
  new Map(
    scenarioFields === undefined
      ? []
      : scenarios.map((scenario, s) => {
          const { names, values } = scenarioFields;
          return [scenario, Object.fromEntries(names.map((name) => [name, values[s]]))];
        }),
  );

function fieldPlaces(encoder: RowEncoder): FieldPlace[] {
  let slot = 0;
  return encoder.fields.map(({ name, kind, offset, slots, rates }, index) => {
    const place = {
      name,
      index,
      slot,
      slots,
      unknown: offset + (rates?.unknown ?? (kind === 'multi' ? PADDING_ID : OUT_OF_VOCABULARY_ID)),
      encoder: encoder.only([name]),
    };
    slot += slots;
    return place;
  });
}
