/**
 * Keys of joins whose two sides have different types. The right key is compared in the type of the left one, but only where
 * nothing is lost on the way: 1.4 is no 1, the text 01 is no 1, 10:30 is no day, and beyond 2^53 a floating-point number
 * names no integer. A key that does not survive matches nothing.
 */
import { identifier } from '../sql/duckdb.ts';
import { NUMBER_TEXT } from '../sql/functions.ts';
import { textOf } from '../sql/tokens.ts';

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
