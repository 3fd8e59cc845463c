/**
 * The row encoder: values -> ids, the same ids that preparation gave, from the same vocabularies. No database: serving
 * uses it per request.
 */
import { error } from '../../base/errors/index.ts';
import { shown } from '../../base/shown.ts';
import { type FieldConfig, isRate, type ValueField } from '../../config/dataset.ts';
import {
  firstSlots,
  OUT_OF_VOCABULARY_ID,
  PADDING_ID,
  type PreparedField,
  type PreparedSequences,
  RESERVED_IDS,
  slotsOf,
} from './ids.ts';
import { type RateTable, rateWriter } from './rates.ts';
import { bucketOf, hashedId, numberOf, numberText, tokenOf, tokensOf } from './tokens.ts';

/** Values of a row by field name: what the field's expression would give. Fields left out are missing. */
export type RowValues = Record<string, unknown>;

/** Items of a row's behaviour sequences by type: values of the item field, oldest first. Types left out are empty. */
export type SequenceValues = Record<string, unknown>;

export interface RowEncoder {
  /** The fields it writes. */
  fields: PreparedField[];
  /** Slots of a whole row (of all fields, also for an encoder of some). */
  slots: number;
  /**
   * Writes the table ids of a row at `into[offset .. offset + slots - 1]`; slots of other fields stay as they are. An encoder of
   * all fields writes rates, too. Throws ROW_VALUE_INVALID.
   */
  encode(row: RowValues, into: Int32Array, offset?: number): void;
  /** Writes the ids of all rates of the row at `into[offset]`, from those of the other fields. */
  addRates(into: Int32Array, offset?: number): void;
  /** Types and length of the sequences; absent where the data set has none. */
  sequences?: PreparedSequences;
  /**
   * Writes the table ids of a row's sequences at `into[offset .. offset + types * length - 1]`: of a longer list its end,
   * the newest items, and padding behind a shorter one. Without sequences in the data set nothing is written.
   * Throws SEQUENCE_INVALID for what is no list and for an unknown type, ROW_VALUE_INVALID for what is no item.
   */
  encodeSequences(sequences: SequenceValues, into: Int32Array, offset?: number): void;
  /**
   * An encoder of some fields only, in the same layout of slots. For a request: encode the user's fields once, copy the
   * row for every candidate, then encode the items' fields over it and add the rates.
   */
  only(fields: string[]): RowEncoder;
}

/** All that an encoder is made of; a prepared data set and a run's artifact both hold it. */
export interface EncoderSource {
  config: { fields: FieldConfig[] };
  fields: PreparedField[];
  sequences?: PreparedSequences;
  /** Tokens of a field by id, the reserved ids first; unused for hashed fields. */
  tokens: (field: string) => string[];
  /** Table of a rate field. Needed where there are some. */
  rates?: (field: string) => RateTable;
}

/** Builds the encoder of all fields. */
export function createRowEncoder({ config, fields, sequences, tokens, rates }: EncoderSource): RowEncoder {
  const firsts = firstSlots(fields);
  const writers = fields.map((field, i): Writer => {
    const own = config.fields[i];
    if (isRate(own)) return { field, write: () => {} };
    const write = fieldWriter(own, field, tokens);
    const slot = firsts[i];
    const { name } = field;
    // Without a detour: a request has many rows.
    if (!(name in Object.prototype))
      return { field, write: (row, into, offset) => write(row[name], into, offset + slot) };
    const valueIn = propertyReader(name);
    return { field, write: (row, into, offset) => write(valueIn(row), into, offset + slot) };
  });
  const addRates = rateWriter(fields, (name) => rates?.(name) ?? { keys: [], ids: [] });
  const shared = { slots: slotsOf(fields), addRates: (into: Int32Array, offset = 0) => addRates(into, offset) };
  const item = fields.findIndex(({ name }) => name === sequences?.itemField);
  const itemConfig = config.fields[item];
  if (sequences === undefined || itemConfig === undefined || isRate(itemConfig))
    return encoderOf(writers, true, { ...shared, encodeSequences: () => {} });
  const writeItem = fieldWriter(itemConfig, fields[item], tokens);
  const encodeSequences = sequenceWriter(sequences, fields[item].offset + PADDING_ID, writeItem);
  return encoderOf(writers, true, { ...shared, sequences, encodeSequences });
}

interface Writer {
  field: PreparedField;
  write: (row: RowValues, into: Int32Array, offset: number) => void;
}

const encoderOf = (
  writers: Writer[],
  /** Are these the writers of all fields? */
  isWhole: boolean,
  shared: Pick<RowEncoder, 'slots' | 'addRates' | 'sequences' | 'encodeSequences'>,
): RowEncoder => ({
  ...shared,
  fields: writers.map((w) => w.field),
  encode(row, into, offset = 0) {
    for (const { write } of writers) write(row, into, offset);
    if (isWhole) shared.addRates(into, offset);
  },
  only: (names) =>
    encoderOf(
      writers.filter((w) => names.includes(w.field.name)),
      false,
      shared,
    ),
});

/** Reads a property of an object as it is given: of a name that every object has, such as `constructor`, its own only. */
const propertyReader = (name: string): ((values: Record<string, unknown>) => unknown) =>
  name in Object.prototype
    ? (values) => (Object.hasOwn(values, name) ? values[name] : undefined)
    : (values) => values[name];

/** Writes the sequences of a row, type after type. */
function sequenceWriter(
  { types, length }: PreparedSequences,
  padding: number,
  writeItem: (value: unknown, into: Int32Array, at: number) => void,
): RowEncoder['encodeSequences'] {
  const readers = types.map(propertyReader);
  return (sequences, into, offset = 0) => {
    const unknown = Object.keys(sequences).find((type) => !types.includes(type));
    if (unknown !== undefined)
      throw error('SEQUENCE_INVALID', {
        type: unknown.slice(0, 64),
        found: 'an unknown type',
        expected: `one of ${types.join(', ')}`,
      });
    types.forEach((type, k) => {
      const items = readers[k](sequences) ?? [];
      if (!Array.isArray(items))
        throw error('SEQUENCE_INVALID', {
          type,
          found: shown(items),
          expected: 'a list of items, oldest first',
        });
      const first = Math.max(0, items.length - length);
      for (let i = 0, at = offset + k * length; i < length; i++, at++) {
        if (first + i < items.length) writeItem(items[first + i], into, at);
        else into[at] = padding;
      }
    });
  };
}

/** Writes the ids of a field's value into its slots, the first at `into[at]`. */
type FieldWriter = (value: unknown, into: Int32Array, at: number) => void;

function fieldWriter(config: ValueField, field: PreparedField, tokens: EncoderSource['tokens']): FieldWriter {
  switch (config.kind) {
    case 'categorical':
      return tokenWriter(field, tokenIds(config.hash, tokens, field.name));
    case 'numeric':
      return numberWriter(field, idsByToken(tokens(field.name)));
    case 'multi':
      return listWriter(config, field, tokenIds(config.hash, tokens, field.name));
  }
}

const tokenWriter =
  ({ name, offset }: PreparedField, idOf: (token: string) => number): FieldWriter =>
  (value, into, at) => {
    const token = tokenOf(value, name);
    into[at] = offset + (token === undefined ? OUT_OF_VOCABULARY_ID : idOf(token));
  };

function numberWriter({ name, offset, edges }: PreparedField, ids: Map<string, number>): FieldWriter {
  const buckets = edges === undefined ? 'logSquare' : { edges };
  return (value, into, at) => {
    const number = numberOf(value, name);
    const token = number === undefined ? undefined : numberText(bucketOf(buckets, number));
    into[at] = offset + (token === undefined ? OUT_OF_VOCABULARY_ID : (ids.get(token) ?? OUT_OF_VOCABULARY_ID));
  };
}

const listWriter =
  (
    { separator, maxLength }: { separator: string; maxLength: number },
    { name, offset, slots }: PreparedField,
    idOf: (token: string) => number,
  ): FieldWriter =>
  (value, into, at) => {
    const found = tokensOf(value, separator, maxLength, name);
    for (let i = 0; i < slots; i++) into[at + i] = offset + (i < found.length ? idOf(found[i]) : PADDING_ID);
  };

/** Id of a token: hashed, or looked up. A lone surrogate is not Unicode; stored data hold U+FFFD in its place. */
function tokenIds(hash: number | undefined, tokens: EncoderSource['tokens'], field: string): (token: string) => number {
  if (hash !== undefined) return (token) => hashedId(token, hash);
  const ids = idsByToken(tokens(field));
  let longest = 0;
  for (const token of ids.keys()) longest = Math.max(longest, token.length);
  return (token) => {
    if (token.length > longest) return OUT_OF_VOCABULARY_ID; // before a long text is looked at
    return (
      ids.get(token) ??
      (/\p{Surrogate}/u.test(token) ? ids.get(Buffer.from(token).toString()) : undefined) ??
      OUT_OF_VOCABULARY_ID
    );
  };
}

const idsByToken = (tokens: string[]): Map<string, number> =>
  new Map(tokens.slice(RESERVED_IDS).map((token, i) => [token, RESERVED_IDS + i]));
