/** Where the ids of a row lie in the one embedding table. */
import type { FieldConfig } from '../../config/dataset.ts';

/** Ids 0 and 1 of every field are reserved. */
export const PADDING_ID = 0;
export const OUT_OF_VOCABULARY_ID = 1;
export const RESERVED_IDS = 2;

export interface PreparedField {
  name: string;
  kind: FieldConfig['kind'];
  /** Ids of this field are offset .. offset + size - 1 in the one embedding table (reserved ids included). */
  offset: number;
  size: number;
  /** Slots of a row: 1, or `maxLength` of a multi-value field. Slots lie one after another in field order. */
  slots: number;
  pooling: 'mean' | 'sum';
  /** Rising edges of the buckets of a number or a rate (bucket = how many are <= v); absent for `logSquare`. */
  edges?: number[];
  /** Of a rate. */
  rates?: PreparedRates;
}

/** What a rate field is computed from. */
export interface PreparedRates {
  /** The fields whose values have a rate: one or two. */
  of: string[];
  /** Id, within the field, of the mean rate: what rows get whose values no training row has. */
  unknown: number;
}

/** Slots of a row. */
export const slotsOf = (fields: readonly Pick<PreparedField, 'slots'>[]): number =>
  fields.reduce((sum, { slots }) => sum + slots, 0);

/** The first slot of each field in a row. */
export const firstSlots = (fields: readonly Pick<PreparedField, 'slots'>[]): number[] =>
  fields.map((_, i) => slotsOf(fields.slice(0, i)));

/** Behaviour sequences of a row: for each type the last items of the row's user before its time. */
export interface PreparedSequences {
  /** The field whose vocabulary and table rows the items share. */
  itemField: string;
  /** Items of a sequence at most. */
  length: number;
  /** Names of the types, in the order of a row's sequences. */
  types: string[];
  /** Whose items they are: those of training rows, or those of all rows, at an earlier time in both cases; or rows brought lists. */
  from: 'train rows' | 'earlier rows' | 'given lists';
}
