/** SQL over DuckDB's JSON type: the token of a value is the same whatever types its neighbours have. */
import { NUMBER_TEXT } from './functions.ts';

/**
 * The token of a JSON value: a text without its quotation marks, a number as JavaScript prints it (integers in all their
 * digits), true or false; NULL where missing. Of an object or a list it is the JSON text.
 */
export function jsonToken(sql: string): string {
  const text = `json_extract_string(${sql}, '$')`;
  const number = `TRY_CAST(${text} AS DOUBLE)`;
  const printed = `CASE WHEN isfinite(${number}) THEN ${NUMBER_TEXT}(CASE WHEN isfinite(${number}) THEN ${number} + 0.0 ELSE 0.0 END) END`;
  return (
    `CASE json_type(${sql}) WHEN 'NULL' THEN NULL WHEN 'VARCHAR' THEN nullif(${text}, '') ` +
    `WHEN 'DOUBLE' THEN CASE WHEN regexp_full_match(${text}, '-?[0-9]+') THEN ${text} ELSE ${printed} END ELSE ${text} END`
  );
}

/** The tokens of the items of a JSON list, NULL for a missing one; NULL where the value is no list. */
export const jsonItems = (sql: string): string =>
  `CASE WHEN json_type(${sql}) = 'ARRAY' THEN list_transform(CAST(${sql} AS JSON[]), lambda item: ${jsonToken('item')}) END`;
