/** A table of features in memory: its ids, and for each field the distinct values and which of them a row has. */
import type { ValueField } from '../config/dataset.ts';
import { keyFinder, type Texts, textAt } from './keys.ts';

export type Kind = ValueField['kind'];

/** The values of a field. */
export interface FieldColumn {
  name: string;
  kind: Kind;
  /** [rows]: place of the row's value among `values`, from 1; 0 where it is missing. */
  places: Uint32Array;
  /** Distinct values: tokens, numbers, or lists of tokens as JSON. */
  values: Texts | Float64Array;
}

export interface TableColumns {
  ids: Texts;
  /** Hash table over the ids. */
  slots: Int32Array;
  fields: FieldColumn[];
}

export interface FeatureTable extends TableColumns {
  rows: number;
  bytes: number;
  /** Row of an id as it is sent (7 and "7" are the same), -1 where there is none. */
  find(id: string | number): number;
}

export const rowsOf = ({ ids }: TableColumns): number => ids.ends.length;

export const tableOf = (columns: TableColumns, bytes: number): FeatureTable => {
  const find = keyFinder(columns.ids, columns.slots);
  return { ...columns, rows: rowsOf(columns), bytes, find: (id) => find(String(id)) };
};

/** Distinct values of a field. */
export const valuesOf = ({ values }: FieldColumn): number =>
  values instanceof Float64Array ? values.length : values.ends.length;

/** Distinct value `place` (from 1) of a field, as a request would send it; undefined for 0. */
export function valueAt({ kind, values }: FieldColumn, place: number): string | number | string[] | undefined {
  if (place === 0) return undefined;
  if (values instanceof Float64Array) return values[place - 1];
  const text = textAt(values, place - 1);
  return kind === 'multi' ? (JSON.parse(text) as string[]) : text;
}
