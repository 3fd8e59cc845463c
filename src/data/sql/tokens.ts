/** The SQL twin of `data/encode/tokens.ts`: how a value of any column type is stored in the rows table and becomes a token. */
import { error } from '../../base/errors/index.ts';
import type { ValueField } from '../../config/dataset.ts';
import { RESERVED_IDS } from '../encode/ids.ts';
import { NUMBER_TEXT } from './functions.ts';
import { jsonToken } from './json.ts';
import { literal } from './text.ts';

const INTEGER_TYPE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const NUMBER_TYPE = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/;
/** Types whose text in DuckDB is their token. */
const TEXT_TYPE = /^(VARCHAR|ENUM\(.*\)|DATE|TIME.*|UUID|INTERVAL)$/s;
const LIST_TYPE = /\[\d*\]$/;

/** A field's column in the rows table. */
export interface StoredField {
  /** SQL over the joined sources that gives what is stored: one value per token, NULL where missing. */
  expression: string;
  /** SQL over the stored column (or, for a multi-value field, over one of its elements) that gives the token. */
  token: (column: string) => string;
}

/** Number of a task's label, scenario or weight, or a key: text of any scalar; NULL where missing. */
export function textOf(sql: string, type: string): string {
  const stored = storedScalar(sql, type);
  return stored?.token(stored.expression) ?? `(${sql})::VARCHAR`;
}

export const isNumber = (type: string): boolean => INTEGER_TYPE.test(type) || NUMBER_TYPE.test(type);
export const isText = (type: string): boolean => /^(VARCHAR|JSON|ENUM\(.*\))$/s.test(type);

/** Have values of this type an order that can be one of time? Texts are read first (times.ts). */
export const isOrdered = (type: string): boolean => isNumber(type) || /^(BOOLEAN|DATE|TIME[^[]*)$/.test(type);

/** How a field is stored, given what its expression gives. Throws DATA_FIELD_TYPE. */
export function storedField(field: ValueField, { sql, type }: { sql: string; type: string }): StoredField {
  const stored = storedAs(field, sql, type);
  if (stored !== undefined) return stored;
  throw error('DATA_FIELD_TYPE', { field: field.name, kind: field.kind, type, expected: EXPECTED[field.kind] });
}

/** What the expression of a field must give. */
const EXPECTED: Record<ValueField['kind'], string> = {
  categorical: 'a text, number, truth value, date or time',
  numeric: 'a number; TRY_CAST(... AS DOUBLE) makes one of a text',
  multi: 'a text with a separator or a list of texts, numbers, dates ...',
};

function storedAs(field: ValueField, sql: string, type: string): StoredField | undefined {
  switch (field.kind) {
    case 'categorical':
      return storedScalar(sql, type);
    case 'numeric':
      return storedNumber(sql, type);
    case 'multi':
      return storedList(field, sql, type);
  }
}

const asIs = (column: string): string => `${column}::VARCHAR`;
const asNumberText = (column: string): string => `${NUMBER_TEXT}(${column})`;

/** + 0.0 makes -0 a 0. */
const finite = (sql: string): string => `CASE WHEN isfinite(${sql}::DOUBLE) THEN ${sql}::DOUBLE + 0.0 END`;

function storedScalar(sql: string, type: string): StoredField | undefined {
  if (INTEGER_TYPE.test(type) || type === 'BOOLEAN') return { expression: sql, token: asIs };
  if (/^DECIMAL\(\d+,0\)$/.test(type)) return { expression: `${sql}::HUGEINT`, token: asIs };
  if (NUMBER_TYPE.test(type)) return { expression: finite(sql), token: asNumberText };
  if (type === 'JSON') return { expression: jsonToken(sql), token: asIs };
  if (TEXT_TYPE.test(type)) return { expression: `nullif(${sql}::VARCHAR, '')`, token: asIs };
  if (type === '"NULL"') return { expression: 'NULL::VARCHAR', token: asIs };
  return undefined;
}

function storedNumber(sql: string, type: string): StoredField | undefined {
  const isStored = isNumber(type) || type === 'BOOLEAN' || type === '"NULL"';
  return isStored ? { expression: finite(sql), token: asNumberText } : undefined;
}

/** A list of tokens, missing values left out, cut to the field's length; NULL where nothing is left. */
function storedList(
  field: { separator: string; maxLength: number },
  sql: string,
  type: string,
): StoredField | undefined {
  const element = LIST_TYPE.test(type) ? type.replace(LIST_TYPE, '') : undefined;
  const item = storedScalar('item', element ?? 'VARCHAR');
  if (item === undefined) return undefined;
  const isText = TEXT_TYPE.test(type);
  const scalar = element === undefined && !isText ? storedScalar(sql, type) : undefined;
  if (element === undefined && !isText && scalar === undefined) return undefined;
  const list =
    element !== undefined
      ? sql
      : isText
        ? `string_split(${sql}::VARCHAR, ${literal(field.separator)})`
        : `[${scalar?.token(scalar.expression)}]`;
  const present = `list_filter(list_transform(${list}, lambda item: ${item.expression}), lambda item: item IS NOT NULL)`;
  const tokens = `list_transform(${present}[:${field.maxLength}], lambda item: ${item.token('item')})`;
  return { expression: `CASE WHEN len(${present}) > 0 THEN ${tokens} END`, token: (column) => column };
}

/**
 * SQL of the tokens of a list of items, the last `length` of them, NULL for a missing item; undefined where the type is none of
 * a list, or of a text with | between the items.
 */
export function storedSequence(sql: string, type: string, length: number): string | undefined {
  if (type === '"NULL"') return 'NULL::VARCHAR[]';
  const isList = LIST_TYPE.test(type);
  const item = storedScalar('item', isList ? type.replace(LIST_TYPE, '') : 'VARCHAR');
  if (item === undefined || (!isList && !TEXT_TYPE.test(type))) return undefined;
  const list = isList ? sql : `string_split(nullif(${sql}::VARCHAR, ''), '|')`;
  const last = `list_transform((${list})[-${length}:], lambda item: ${item.expression})`;
  return `list_transform(${last}, lambda item: ${item.token('item')})`;
}

/** SQL of a hashed id (int32) of a token. */
export const hashedIdSql = (token: string, size: number): string =>
  `(${RESERVED_IDS} + md5_number_upper(${token}) % ${size})::INTEGER`;
