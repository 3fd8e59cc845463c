/**
 * Keys of joins whose two sides have different types. The right key is compared in the type of the left one, but only where
 * nothing is lost on the way: 1.4 is no 1, the text 01 is no 1, 10:30 is no day, and beyond 2^53 a floating-point number
 * names no integer. A key that does not survive matches nothing.
 */

import type { DatasetConfig } from '../../config/dataset.ts';
import { NUMBER_TEXT } from '../sql/functions.ts';
import { identifier, sameName } from '../sql/text.ts';
import { textOf } from '../sql/tokens.ts';
import { baseSource, columnsOf, type Source } from './source.ts';

/** Integers up to here are exact in a number of the type. */
const EXACT: Record<string, number> = { FLOAT: 2 ** 24, DOUBLE: 2 ** 53 };

const isNumber = (type: string): boolean => /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(.*\))$/.test(type);
const isTime = (type: string): boolean => /^(DATE|TIME.*)$/.test(type);

/** SQL of a right key in the type of the left one: NULL where it has no such value. */
export function joinKeySql(column: string, found: string, wanted: string): string {
  const key = identifier(column);
  if (found === wanted) return key;
  if (wanted === 'VARCHAR') return textOf(key, found);
  if (isTime(found) !== isTime(wanted) && (isNumberLike(found) || isNumberLike(wanted))) return `NULL::${wanted}`;
  const value = `TRY_CAST(${key} AS ${wanted})`;
  return `CASE WHEN ${survives(key, value, found, wanted)} THEN ${value} END`;
}

const isNumberLike = (type: string): boolean => isNumber(type) || type in EXACT || type === 'BOOLEAN';

/** SQL that is true where the key can be had back from the value. */
function survives(key: string, value: string, found: string, wanted: string): string {
  if (found === 'VARCHAR') {
    if (wanted in EXACT) return `${key} IN (${NUMBER_TEXT}(${value}::DOUBLE), ${value}::VARCHAR)`;
    if (/^TIMESTAMP/.test(wanted)) return `replace(${key}, 'T', ' ') = ${value}::VARCHAR`;
    return `${value}::VARCHAR = ${key}`;
  }
  const back = `TRY_CAST(${value} AS ${found}) = ${key}`;
  const exact = isNumber(wanted) ? EXACT[found] : isNumber(found) ? EXACT[wanted] : undefined;
  return exact === undefined ? back : `${back} AND abs(${key}::DOUBLE) <= ${exact}`;
}

export interface JoinKey {
  /** Column of the rows so far, and of the joined source. */
  left: string;
  right: string;
  /** Types of the two. */
  wanted: string;
  found: string;
  /** SQL of the right key in the left one's type, NULL where nothing can match it. */
  sql: string;
}

/** The keys of a join, by its place among the joins: both columns and the SQL that makes them comparable. */
export function joinKeys(config: DatasetConfig, sources: Source[], place: number): JoinKey[] {
  const { source, on } = config.joins[place];
  const before = [baseSource(config), ...config.joins.slice(0, place).map((join) => join.source)];
  const left = before.flatMap((name) => columnsOf(sources, name));
  return Object.entries(on).map(([to, from]) => {
    const wanted = left.find((c) => sameName(c.name, to))?.type ?? 'VARCHAR';
    const found = columnsOf(sources, source).find((c) => sameName(c.name, from))?.type ?? wanted;
    return { left: to, right: from, wanted, found, sql: joinKeySql(from, found, wanted) };
  });
}
