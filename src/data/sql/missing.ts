/**
 * The one notion of a missing value: NULL, the empty text, NaN and infinities, those of dates and times too. Sources and
 * expressions pass through here, so that whatever reads them has to know NULL alone.
 */
import { identifier, literal } from './text.ts';

/** SQL of a value of a type that is NULL where the value is missing; `sql` itself where the type has NULL alone. */
export const present = (sql: string, type: string): string => presentAt(sql, type, 0) ?? sql;

/** Does a type have missing values other than NULL? */
export const hasMissing = (type: string): boolean => presentAt('value', type, 0) !== undefined;

function presentAt(sql: string, type: string, depth: number): string | undefined {
  if (/^(FLOAT|DOUBLE|DATE|TIMESTAMP[^[]*)$/.test(type)) return `CASE WHEN isfinite(${sql}) THEN ${sql} END`;
  if (type === 'VARCHAR') return `nullif(${sql}, '')`;
  const list = /^(.*)\[\d*\]$/s.exec(type)?.[1];
  if (list !== undefined) {
    const item = `item${depth}`;
    const value = presentAt(item, list, depth + 1);
    // An array of fixed length would become a list.
    return value && `list_transform(${sql}, lambda ${item}: ${value})${type.endsWith('[]') ? '' : `::${type}`}`;
  }
  const members = membersOf(type);
  const values = members.map(({ name, type }) => presentAt(`struct_extract(${sql}, ${literal(name)})`, type, depth));
  if (!values.some((value) => value !== undefined)) return undefined;
  const packed = members.map(({ name }, i) => {
    const value = values[i] ?? `struct_extract(${sql}, ${literal(name)})`;
    return `${identifier(name)} := ${value}`;
  });
  return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${packed.join(', ')}) END`;
}

/** Members of a STRUCT as DuckDB writes its type; none for another type and for members without names. */
function membersOf(type: string): { name: string; type: string }[] {
  if (!type.startsWith('STRUCT(') || !type.endsWith(')')) return [];
  return splitTop(type.slice('STRUCT('.length, -1)).flatMap((member) => {
    const [, quoted, plain, rest] = /^\s*(?:"((?:[^"]|"")*)"|(\w+)) (.*)$/s.exec(member) ?? [];
    const name = quoted?.replaceAll('""', '"') ?? plain;
    return name === undefined ? [] : [{ name, type: rest }];
  });
}

/** Parts between commas that stand in no brackets and no quotes. */
function splitTop(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[\s\S]/g)) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts;
}
