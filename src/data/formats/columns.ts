/**
 * The columns of a source: their types, and what of a value a type does not keep. A version "1.10" in a column of numbers is
 * the number 1.1; a field that is this column has the token 1.10. Such texts stand in columns of their own, which no
 * expression of a configuration names.
 */

import { NUMBER_TEXT } from '../sql/functions.ts';
import { identifier } from '../sql/text.ts';

export interface Column {
  name: string;
  /** DuckDB's name of the type: BIGINT, DOUBLE, BOOLEAN, VARCHAR, VARCHAR[] ... */
  type: string;
  /** Is there also the text of each value: as a CSV has it, or the token of a JSON value? */
  written?: true;
  /** Of JSON: are there also the tokens of the items of each list? */
  items?: true;
  /** Of a column with a type from training: is there also the number that each text is? */
  number?: true;
}

/** How the columns of a source are to be read. */
export interface Reading {
  /** Columns that nothing needs: texts whatever they look like. */
  isUnneeded?: (column: string) => boolean;
  /** Columns whose types an earlier preparation found; they hold whatever the values look like. */
  bound?: (column: string) => Column | undefined;
  /** Columns that must be there: a CSV whose first line names one of them has a header. */
  expected?: string[];
  /** May objects of a JSON file all lack one of them? */
  isSparse?: boolean;
}

/** The columns that accompany a column, as SQL. */
export const writtenColumn = (name: string): string => identifier(`__written ${name}`);
export const itemsColumn = (name: string): string => identifier(`__items ${name}`);
export const numberColumn = (name: string): string => identifier(`__number ${name}`);

/** Is it a name of such a column? */
export const isBeside = (name: string): boolean => /^__(written|items|number) /.test(name);

/** Plain names of the columns that accompany some columns. */
export const besides = (columns: Column[]): string[] =>
  columns.flatMap(({ name, written, items, number }) => [
    ...(written ? [`__written ${name}`] : []),
    ...(items ? [`__items ${name}`] : []),
    ...(number ? [`__number ${name}`] : []),
  ]);

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const NUMBER = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
/** A decimal number, as `numberOf` in tokens.ts takes it. */
const NUMBER_PATTERN = '\\s*[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?\\s*';

/** Is it a type of numbers? */
export const isNumeric = (type: string): boolean => INTEGER.test(type) || NUMBER.test(type);

/** SQL of the number that a text is, NULL where it is none. */
export const numberOfText = (text: string): string =>
  `CASE WHEN regexp_full_match(${text}, '${NUMBER_PATTERN}') THEN TRY_CAST(${text} AS DOUBLE) END`;

/** SQL of a text as a value of a type, NULL where it is none: 5.0 is the integer 5, 5.5 is none. */
export function valueOfText(text: string, type: string): string {
  if (type === 'VARCHAR') return text;
  if (type === 'BOOLEAN') return `CASE WHEN lower(${text}) IN ('true', 'false') THEN CAST(${text} AS BOOLEAN) END`;
  if (NUMBER.test(type)) return `TRY_CAST(${numberOfText(text)} AS ${type})`;
  if (!INTEGER.test(type)) return `TRY_CAST(${text} AS ${type})`;
  const number = numberOfText(text);
  return `CASE WHEN (${number}) = floor(${number}) THEN TRY_CAST(${text} AS ${type}) END`;
}

/** SQL of the token of a value of a type of numbers or truth values. */
export const tokenOfNumber = (sql: string, type: string): string =>
  NUMBER.test(type)
    ? `${NUMBER_TEXT}(CASE WHEN isfinite((${sql})::DOUBLE) THEN (${sql})::DOUBLE + 0.0 END)`
    : `(${sql})::VARCHAR`;
