/**
 * Expressions that are a column itself take its values as they were written, whatever type the column has for those that
 * compute with it: in a CSV 1.10 and 1.1 are two tokens of a field and one number of a condition.
 */

import type { DatasetConfig } from '../../config/dataset.ts';
import { type Column, itemsColumn, numberColumn, writtenColumn } from '../formats/columns.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { identifier, literal, sameName } from '../sql/text.ts';

/** What an expression takes of a column that it is. */
export type Use = 'text' | 'number' | { separator: string };

/** A column by its plain name, or its source's and its own. */
const NAME = '(?:"((?:[^"]|"")+)"|([\\p{L}_][\\p{L}\\p{N}_]*))';
const BARE = new RegExp(`^(?:${NAME}\\s*\\.\\s*)?${NAME}$`, 'u');

/** Words that SQL takes for values of its own where they stand without quotation marks. */
const OWN_WORDS =
  /^(user|current_\w+|session_user|localtime|localtimestamp|true|false|null|default|case|cast|interval|array|not|exists)$/i;

/** The source and the column that an expression is; undefined where it is none, or more. */
export function columnOf(
  config: DatasetConfig,
  sources: Source[],
  sql: string,
): { source: string; column: Column } | undefined {
  return columnAmong([baseSource(config), ...config.joins.map((join) => join.source)], sources, sql);
}

/** The same; `order`: names of the sources that are joined, those of the examples first. */
export function columnAmong<C extends Pick<Column, 'name'>>(
  order: readonly string[],
  sources: readonly { name: string; columns: readonly C[] }[],
  sql: string,
): { source: string; column: C } | undefined {
  let text = sql.trim();
  while (/^\([^()]*\)$/.test(text)) text = text.slice(1, -1).trim();
  const [, quotedSource, plainSource, quoted, plain] = BARE.exec(text) ?? [];
  const name = quoted?.replaceAll('""', '"') ?? plain;
  const owner = quotedSource?.replaceAll('""', '"') ?? plainSource;
  if (name === undefined || (owner === undefined && quoted === undefined && OWN_WORDS.test(name))) return undefined;
  for (const source of order) {
    if (owner !== undefined && !sameName(owner, source)) continue;
    const column = sources.find((s) => s.name === source)?.columns.find((c) => sameName(c.name, name));
    if (column !== undefined) return { source, column };
  }
  return undefined;
}

/** What an expression gives that is a column itself, as it was written; undefined where it is none, or nothing is lost. */
export function valueAsWritten(
  config: DatasetConfig,
  sources: Source[],
  sql: string,
  use: Use,
): { sql: string; type: string } | undefined {
  const found = columnOf(config, sources, sql);
  return found && writtenValue(found.source, found.column, use);
}

function writtenValue(
  source: string,
  { name, type, written, items, number }: Column,
  use: Use,
): { sql: string; type: string } | undefined {
  const at = (column: string): string => `${identifier(source)}.${column}`;
  if (use === 'number') return number ? { sql: at(numberColumn(name)), type: 'DOUBLE' } : undefined;
  const text = written ? at(writtenColumn(name)) : type === 'VARCHAR' ? at(identifier(name)) : undefined;
  if (use === 'text' || !items) return written && text !== undefined ? { sql: text, type: 'VARCHAR' } : undefined;
  // A list where the value is one, else the parts of its text.
  const parts = text === undefined ? [] : [`string_split(${text}, ${literal(use.separator)})`];
  return { sql: `coalesce(${[at(itemsColumn(name)), ...parts].join(', ')})`, type: 'VARCHAR[]' };
}
