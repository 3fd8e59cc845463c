/**
 * The row encoder: values -> ids, the same ids that preparation gave, from the same vocabularies. No database: serving
 * uses it per request.
 */
import type { FieldConfig } from '../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, PADDING_ID, type PreparedField, RESERVED_IDS } from './prepared.ts';
import { bucketOf, hashedId, numberOf, numberText, tokenOf, tokensOf } from './tokens.ts';

/** Values of a row by field name: what the field's expression would give. Fields left out are missing. */
export type RowValues = Record<string, unknown>;

export interface RowEncoder {
  /** The fields it writes. */
  fields: PreparedField[];
  /** Slots of a whole row (of all fields, also for an encoder of some). */
  slots: number;
  /**
   * Writes the table ids of a row at `into[offset .. offset + slots - 1]`; slots of other fields stay as they are.
   * Throws ROW_VALUE_INVALID.
   */
  encode(row: RowValues, into: Int32Array, offset?: number): void;
  /**
   * An encoder of some fields only, in the same layout of slots. For a request: encode the user's fields once, copy the
   * row for every candidate, then encode the items' fields over it.
   */
  only(fields: string[]): RowEncoder;
}

/** All that an encoder is made of; a prepared data set and a run's artifact both hold it. */
export interface EncoderSource {
  config: { fields: FieldConfig[] };
  fields: PreparedField[];
  /** Tokens of a field by id, the reserved ids first; unused for hashed fields. */
  tokens: (field: string) => string[];
}

/** Builds the encoder of all fields. */
export function createRowEncoder({ config, fields, tokens }: EncoderSource): RowEncoder {
  const slots = fields.reduce((sum, f) => sum + f.slots, 0);
  let at = 0;
  const writers: Writer[] = fields.map((field, i) => {
    const write = fieldWriter(config.fields[i], field, tokens);
    const slot = at;
    at += field.slots;
    return { field, write: (row, into, offset) => write(row[field.name], into, offset + slot) };
  });
  return encoderOf(writers, slots);
}

interface Writer {
  field: PreparedField;
  write: (row: RowValues, into: Int32Array, offset: number) => void;
}

const encoderOf = (writers: Writer[], slots: number): RowEncoder => ({
  fields: writers.map((w) => w.field),
  slots,
  encode(row, into, offset = 0) {
    for (const { write } of writers) write(row, into, offset);
  },
  only: (names) =>
    encoderOf(
      writers.filter((w) => names.includes(w.field.name)),
      slots,
    ),
});

/** Writes one field's slots, the first at `into[at]`. */
function fieldWriter(
  config: FieldConfig,
  { name, offset, slots, edges }: PreparedField,
  tokens: EncoderSource['tokens'],
): (value: unknown, into: Int32Array, at: number) => void {
  if (config.kind === 'numeric') {
    const ids = idsByToken(tokens(name));
    const buckets = edges === undefined ? 'logSquare' : { edges };
    return (value, into, at) => {
      const number = numberOf(value, name);
      const token = number === undefined ? undefined : numberText(bucketOf(buckets, number));
      into[at] = offset + (token === undefined ? OUT_OF_VOCABULARY_ID : (ids.get(token) ?? OUT_OF_VOCABULARY_ID));
    };
  }
  const idOf = tokenIds(config.hash, tokens, name);
  if (config.kind === 'categorical')
    return (value, into, at) => {
      const token = tokenOf(value, name);
      into[at] = offset + (token === undefined ? OUT_OF_VOCABULARY_ID : idOf(token));
    };
  const { separator, maxLength } = config;
  return (value, into, at) => {
    const found = tokensOf(value, separator, maxLength, name);
    for (let i = 0; i < slots; i++) into[at + i] = offset + (i < found.length ? idOf(found[i]) : PADDING_ID);
  };
}

/** Id of a token: hashed, or looked up. A lone surrogate is not Unicode; stored data hold U+FFFD in its place. */
function tokenIds(hash: number | undefined, tokens: EncoderSource['tokens'], field: string): (token: string) => number {
  if (hash !== undefined) return (token) => hashedId(token, hash);
  const ids = idsByToken(tokens(field));
  return (token) =>
    ids.get(token) ??
    (/\p{Surrogate}/u.test(token) ? ids.get(Buffer.from(token).toString()) : undefined) ??
    OUT_OF_VOCABULARY_ID;
}

const idsByToken = (tokens: string[]): Map<string, number> =>
  new Map(tokens.slice(RESERVED_IDS).map((token, i) => [token, RESERVED_IDS + i]));
