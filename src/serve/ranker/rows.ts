/** Encodes a request as rows of a graph: user and context once, then the fields of each candidate over a copy of them. */

import type { EncoderSource, RowEncoder, SequenceValues } from '../../data/encode/encoder.ts';
import { createRowEncoder } from '../../data/encode/encoder.ts';
import { OUT_OF_VOCABULARY_ID, PADDING_ID } from '../../data/encode/ids.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankRequest, Rows, Values } from './contract.ts';

/** The rows of a request, and which fields differ among them. */
export interface EncodedRequest extends Rows {
  /** By field, in the artifact's order: do items give it? */
  ofItems: boolean[];
}

export interface RequestEncoder {
  slots: number;
  /** Throws ROW_VALUE_INVALID, SEQUENCE_INVALID. */
  encode(request: RankRequest): EncodedRequest;
  /** Copies of row `row`: one for each field with that field unknown, then one without sequences if there are some. */
  withoutEach(rows: Rows, row: number): Rows;
  /** What each row of `withoutEach` leaves out. */
  parts: string[];
}

interface FieldPlace {
  name: string;
  index: number;
  /** First slot. */
  slot: number;
  slots: number;
  /** Id of an unknown value: out of vocabulary, or padding for a multi-value field. */
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

  return {
    slots,
    parts: [...places.map(({ name }) => name), ...(itemField === undefined ? [] : ['sequences'])],
    encode({ scenario, user = {}, context = {}, items }) {
      const size = items.length;
      const ids = new Int32Array(size * slots);
      const ofItems = places.map(() => false);
      const shared = new Int32Array(slots);
      // Without a prototype: a field may be called "constructor".
      encoder.encode(Object.assign(Object.create(null), scenarioValues.get(scenario), user, context), shared);
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
        addValues(item, ofItem, offset);
        if (hasIdField && item.fields !== undefined) addValues(item.fields as Values, byName, offset);
        encoder.addRates(ids, offset);
      }
      for (const { index, of } of rates) ofItems[index] = of.some((place) => ofItems[place]);
      if (sequenceSize === 0) return { size, ids, ofItems };
      const one = new Int32Array(sequenceSize);
      encoder.encodeSequences((user.sequences ?? {}) as SequenceValues, one);
      const all = new Int32Array(size * sequenceSize);
      for (let row = 0; row < size; row++) all.set(one, row * sequenceSize);
      return { size, ids, sequences: all, ofItems };
    },
    withoutEach(rows, row) {
      const count = places.length + (sequenceSize === 0 ? 0 : 1);
      const original = rows.ids.subarray(row * slots, (row + 1) * slots);
      const ids = new Int32Array(count * slots);
      for (let i = 0; i < count; i++) ids.set(original, i * slots);
      for (const { index, slot, slots: width, unknown } of places)
        ids.fill(unknown, index * slots + slot, index * slots + slot + width);
      if (rows.sequences === undefined) return { size: count, ids };
      const history = rows.sequences.subarray(row * sequenceSize, (row + 1) * sequenceSize);
      const sequences = new Int32Array(count * sequenceSize);
      for (let i = 0; i < places.length; i++) sequences.set(history, i * sequenceSize);
      sequences.fill(padding, places.length * sequenceSize);
      return { size: count, ids, sequences };
    },
  };
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
  return encoder.fields.map(({ name, kind, offset, slots }, index) => {
    const place = {
      name,
      index,
      slot,
      slots,
      unknown: offset + (kind === 'multi' ? PADDING_ID : OUT_OF_VOCABULARY_ID),
      encoder: encoder.only([name]),
    };
    slot += slots;
    return place;
  });
}
