/**
 * Columns of later files under the types that training found. A value that is none of the type is NULL where expressions
 * compute with the column, and counted; a field that is the column itself takes its text whatever it looks like. So no value
 * changes what another row means.
 */

import { identifier } from '../sql/text.ts';
import { textOf } from '../sql/tokens.ts';
import {
  type Column,
  isNumeric,
  itemsColumn,
  numberColumn,
  numberOfText,
  tokenOfNumber,
  valueOfText,
  writtenColumn,
} from './columns.ts';

/** A column as it is read. */
export interface Part {
  column: Column;
  /** SQL of the column and of those next to it. */
  select: string[];
  /** SQL that is true for a value that the type does not take. */
  unfit?: string;
  /** SQL that is true for a value that is no number, where the type is one of numbers. */
  notNumber?: string;
  /** SQL that is true for a text that its value is not printed as. */
  respelled?: string;
}

/** Values of a column that do not fit its type. */
export interface Misfit {
  /** Those that the type does not take, those that are no numbers at all, and those that are printed otherwise. */
  values: number;
  notNumbers: number;
  respelled: number;
}

/** A text column of a type that all its values have. */
export function typedText(name: string, text: string, type: string): Part {
  if (type === 'VARCHAR') return { column: { name, type }, select: [`${text} AS ${identifier(name)}`] };
  const value = `CAST(${text} AS ${type}) AS ${identifier(name)}`;
  // The text of an integer or a date can be had back.
  if (!/^(DOUBLE|BOOLEAN)$/.test(type)) return { column: { name, type }, select: [value] };
  return { column: { name, type, written: true }, select: [value, `${text} AS ${writtenColumn(name)}`] };
}

/** A text column of a type from training. */
export function bindText(name: string, text: string, { type, written }: Column): Part {
  if (type === 'VARCHAR') return typedText(name, text, type);
  const value = valueOfText(text, type);
  const isNumber = isNumeric(type) || type === 'BOOLEAN';
  const select = [
    `${value} AS ${identifier(name)}`,
    `${asTrained(text, value, type, written)} AS ${writtenColumn(name)}`,
  ];
  const unfit = `${text} IS NOT NULL AND (${value}) IS NULL`;
  if (!isNumber) return { column: { name, type, written: true }, select, unfit };
  const number = type === 'BOOLEAN' ? `(${value})::DOUBLE` : numberOfText(text);
  return {
    column: { name, type, written: true, number: true },
    select: [...select, `${number} AS ${numberColumn(name)}`],
    unfit,
    notNumber: `${text} IS NOT NULL AND (${number}) IS NULL`,
    respelled: `${text} IS NOT NULL AND (${value})::VARCHAR IS DISTINCT FROM ${text}`,
  };
}

/** The text that training made its tokens of: what was written, or what the value is printed as. */
function asTrained(text: string, value: string, type: string, written: true | undefined): string {
  if (written) return text;
  if (/^(FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/.test(type)) return `coalesce(${tokenOfNumber(value, type)}, ${text})`;
  return /^(DATE|TIME.*)$/.test(type) ? `coalesce((${value})::VARCHAR, ${text})` : text;
}

/** A column of a type of its own under a type from training. */
export function bindValue(name: string, sql: string, found: string, known: Column): Part {
  if (found === known.type) return { column: { name, type: found }, select: [`${sql} AS ${identifier(name)}`] };
  const isList = (type: string): boolean => /\[\d*\]$/.test(type);
  if (!isList(found) && !/^(STRUCT|MAP)/.test(found) && !/^(STRUCT|MAP)/.test(known.type))
    return bindText(name, textOf(sql, found), known);
  // Fields take lists of any type and their items' texts; expressions get the type that they know.
  const value = `TRY_CAST(${sql} AS ${known.type})`;
  const unfit = `${sql} IS NOT NULL AND ${value} IS NULL`;
  const column = `${value} AS ${identifier(name)}`;
  if (!isList(found)) return { column: { name, type: known.type }, select: [column], unfit };
  const items = `list_transform(${sql}, lambda item: ${textOf('item', found.replace(/\[\d*\]$/, ''))})`;
  return {
    column: { name, type: known.type, items: true },
    select: [column, `${items} AS ${itemsColumn(name)}`],
    unfit,
  };
}
