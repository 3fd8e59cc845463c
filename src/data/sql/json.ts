/** SQL over DuckDB's JSON type: the token of a value is the same whatever types its neighbours have. */
import type { ValueField } from '../../config/dataset.ts';
import { NUMBER_TEXT } from './functions.ts';
import { literal } from './text.ts';

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

/** JSON text of a number that is no whole one, or a large one: what JavaScript prints otherwise. */
const OTHER_NUMBER = '[.eE]|[0-9]{16}';
/** What `numberOf` (encode/tokens.ts) takes for the text of a number. JavaScript's \s is wider than that of RE2. */
const BLANK = '[\\t-\\r\\p{Z}\\x{FEFF}]*';
const NUMBER = `${BLANK}[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?${BLANK}`;

/**
 * SQL of what a field stores of a JSON value as a request gives it: the same tokens and numbers that the row encoder makes of it
 * (encode/tokens.ts). Of a categorical field its token, of a numeric one a DOUBLE, of a multi-value one a list of tokens.
 */
export function requestValue(field: ValueField, sql: string): string {
  const json = `(${sql})::VARCHAR`;
  const string = `json_extract_string(${sql}, '$')`;
  if (field.kind === 'numeric') {
    const read = `TRY_CAST(regexp_replace(${string}, ${literal(BLANK)}, '', 'g') AS DOUBLE)`;
    // A number beyond 64 bits is missing: of a text DuckDB makes an infinite one, of a number NULL. + 0.0 makes -0 a 0.
    const text = `CASE WHEN regexp_full_match(${string}, ${literal(NUMBER)}) AND isfinite(${read}) THEN ${read} END`;
    return `CASE WHEN starts_with(${json}, '"') THEN ${text} WHEN ${json} = 'true' THEN 1.0 WHEN ${json} = 'false' THEN 0.0 ELSE TRY_CAST(${json} AS DOUBLE) END + 0.0`;
  }
  const token = `CASE WHEN starts_with(${json}, '"') THEN nullif(${string}, '') WHEN ${json} = 'null' THEN NULL WHEN ${json} IN ('true', 'false') OR NOT regexp_matches(${json}, ${literal(OTHER_NUMBER)}) THEN ${json} ELSE ${jsonToken(sql)} END`;
  if (field.kind === 'categorical') return token;
  const parts = `CASE WHEN starts_with(${json}, '"') THEN string_split(${string}, ${literal(field.separator)}) WHEN starts_with(${json}, '[') THEN ${jsonItems(sql)} ELSE [${token}] END`;
  const present = `list_filter(${parts}, lambda part: part <> '')`;
  return `CASE WHEN len(${present}) > 0 THEN ${present}[:${field.maxLength}] END`;
}
