/** Columns out of JSON values: by the types found in the file, or by those from training. */
import { jsonItems, jsonToken } from '../sql/json.ts';
import { identifier } from '../sql/text.ts';
import { type Part, typedText } from './bind.ts';
import {
  type Column,
  isNumeric,
  itemsColumn,
  numberColumn,
  numberOfText,
  type Reading,
  valueOfText,
  writtenColumn,
} from './columns.ts';

/** The type by which DuckDB reads a column, and the column that is made of it. */
export function planColumn(name: string, type: string, { bound, isUnneeded }: Reading): { raw: string; part: Part } {
  const column = identifier(name);
  const known = bound?.(name);
  if (known !== undefined) return { raw: 'JSON', part: bindJson(column, { ...known, name }) };
  const plain = { raw: type, part: { column: { name, type }, select: [column] } };
  if (isUnneeded?.(name)) return plain;
  const text = jsonToken(column);
  const items = `${jsonItems(column)} AS ${itemsColumn(name)}`;
  if (type === 'JSON')
    return {
      raw: 'JSON',
      part: { column: { name, type: 'VARCHAR', items: true }, select: [`${text} AS ${column}`, items] },
    };
  if (type === 'DOUBLE') {
    const value = `CAST(${column} AS DOUBLE) AS ${column}`;
    return {
      raw: 'JSON',
      part: { column: { name, type, written: true }, select: [value, `${text} AS ${writtenColumn(name)}`] },
    };
  }
  if (type === 'JSON[]')
    return {
      raw: 'JSON',
      part: { column: { name, type: 'VARCHAR[]' }, select: [`${jsonItems(column)} AS ${column}`] },
    };
  if (type === 'DOUBLE[]') {
    const value = `CAST(${column} AS DOUBLE[]) AS ${column}`;
    return { raw: 'JSON', part: { column: { name, type, items: true }, select: [value, items] } };
  }
  return plain;
}

/** A column of JSON values under a type from training. */
function bindJson(column: string, known: Column): Part {
  const { name, type } = known;
  const text = jsonToken(column);
  const items = `${jsonItems(column)} AS ${itemsColumn(name)}`;
  if (type === 'VARCHAR') {
    const { select } = typedText(name, text, type);
    return { column: { name, type, items: true }, select: [...select, items] };
  }
  const present = `${column} IS NOT NULL AND json_type(${column}) <> 'NULL'`;
  const written = `${text} AS ${writtenColumn(name)}`;
  if (/\[\d*\]$/.test(type)) {
    const element = type.replace(/\[\d*\]$/, '');
    const scalar = /^(STRUCT|MAP)|\]$/.test(element);
    const value = scalar ? `TRY_CAST(${column} AS ${type})` : `TRY_CAST(${jsonItems(column)} AS ${type})`;
    const lost = `len(list_filter(${value}, lambda item: item IS NULL)) > len(list_filter(${jsonItems(column)}, lambda item: item IS NULL))`;
    return {
      column: { name, type, written: true, items: true },
      select: [`${value} AS ${identifier(name)}`, written, items],
      unfit: `${present} AND (${value} IS NULL OR ${lost})`,
    };
  }
  if (/^(STRUCT|MAP|JSON)/.test(type)) {
    const value = `TRY_CAST(${column} AS ${type})`;
    return {
      column: { name, type },
      select: [`${value} AS ${identifier(name)}`],
      unfit: `${present} AND ${value} IS NULL`,
    };
  }
  const value = valueOfText(text, type);
  const unfit = `(${text}) IS NOT NULL AND (${value}) IS NULL`;
  const select = [`${value} AS ${identifier(name)}`, written, items];
  if (!isNumeric(type) && type !== 'BOOLEAN')
    return { column: { name, type, written: true, items: true }, select, unfit };
  const number = `CASE json_type(${column}) WHEN 'BOOLEAN' THEN (${text} = 'true')::DOUBLE ELSE ${numberOfText(text)} END`;
  return {
    column: { name, type, written: true, items: true, number: true },
    select: [...select, `${number} AS ${numberColumn(name)}`],
    unfit,
    notNumber: `(${text}) IS NOT NULL AND (${number}) IS NULL`,
    respelled: `(${text}) IS NOT NULL AND (${value})::VARCHAR IS DISTINCT FROM (${text})`,
  };
}
