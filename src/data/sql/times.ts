/**
 * Times written as texts, as in every CSV file. Letter by letter they are in order of time only as long as all of them are
 * written alike: so they are read as what they say, or refused where that is not certain.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { query } from './duckdb.ts';
import type { Value } from './one-expression.ts';
import { literal } from './text.ts';

/** Is a time of this type a text? */
export const isTextTime = (type: string): boolean => /^(VARCHAR|ENUM\(.*\))$/s.test(type);

/** SQL of such a time as a text, NULL where missing. */
export const timeText = (sql: string): string => `nullif(${sql}::VARCHAR, '')`;

/** Year, month and day, perhaps a time of day, perhaps where on earth. */
const INSTANT =
  '\\s*\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}' +
  '(([Tt]|\\s+)\\d{1,2}(:\\d{1,2}(:\\d{1,2}([.,]\\d+)?)?)?\\s*([Zz]|UTC|GMT|[+-]\\d{2}(:?\\d{2})?|[A-Z][a-z]+(/[A-Z][A-Za-z_]+)+)?)?\\s*';
const NUMBER = '\\s*[+-]?\\d+(\\.\\d+)?\\s*';

/** What most files have is found by a cheaper pattern, and read without regard to zones. */
const isPlain = (text: string): string => `${text} LIKE '____-__-__ __:__:__'`;

const isInstant = (text: string): string => `(${isPlain(text)} OR regexp_full_match(${text}, ${literal(INSTANT)}))`;

/**
 * SQL of an instant, as a time of UTC; without an offset a time is one of UTC. What DuckDB itself does not read is written
 * as it does.
 */
function instant(text: string): string {
  const steps: [string, string][] = [
    ['^\\s+|\\s+$', ''],
    ['^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})', '\\1-\\2-\\3'],
    ['^(\\S+?)[Tt](\\d)', '\\1 \\2'],
    [',(\\d)', '.\\1'],
    ['\\s*(z|Z|UTC|GMT)$', 'Z'],
    ['\\s+([+-]\\d{2})', '\\1'],
    ['^(\\S+\\s+\\d{1,2})([Z+-].*|\\s+[A-Z].*)?$', '\\1:00\\2'],
    ['^(\\S+\\s+\\d{1,2}:\\d{1,2})([Z+-].*|\\s+[A-Z].*)$', '\\1:00\\2'],
  ];
  const written = steps.reduce(
    (sql, [found, better]) => `regexp_replace(${sql}, ${literal(found)}, ${literal(better)}, 'g')`,
    text,
  );
  const zoned = `coalesce(TRY_CAST(${text} AS TIMESTAMPTZ), TRY_CAST(${written} AS TIMESTAMPTZ)) AT TIME ZONE 'UTC'`;
  return `CASE WHEN ${isPlain(text)} THEN TRY_CAST(${text} AS TIMESTAMP) ELSE ${zoned} END`;
}

const decimal = (text: string): string => `TRY_CAST(trim(${text}) AS DECIMAL(38, 9))`;

/** How texts look: 9 for digits, a for letters. */
const shape = (text: string): string =>
  `regexp_replace(regexp_replace(${text}, '[0-9]', '9', 'g'), '[A-Za-z]+', 'a', 'g')`;

/** How many texts of each kind there are, and how many times of day have no offset. */
export interface TextTimes {
  /** The value that has an order. */
  value: Value;
  /** Rows whose text has an offset or zone, and rows with a time of day and none. */
  withOffset: number;
  withoutOffset: number;
}

/**
 * Finds out what the texts of a relation say: instants or numbers, all of one kind. \`text\`: SQL over the relation \`from\`,
 * NULL where there is no time; the value returned is SQL over the same. Throws DATA_TIME_TEXT for anything else.
 */
export async function readTextTimes(
  connection: DuckDBConnection,
  from: string,
  text: string,
  used: { usedBy: string; expression: string },
): Promise<TextTimes> {
  const [{ others }] = await query(
    connection,
    `SELECT count(t) - count(CASE WHEN ${isPlain('t')} THEN TRY_CAST(t AS TIMESTAMP) END) AS others FROM (SELECT ${text} AS t FROM ${from})`,
    'looking at the times',
  );
  // Most files have these alone, and then nothing else need be asked.
  if (Number(others) === 0)
    return { value: { sql: `TRY_CAST(${text} AS TIMESTAMP)`, type: 'TIMESTAMP' }, withOffset: 0, withoutOffset: 0 };
  const kind = `CASE WHEN ${isInstant('t')} AND ${instant('t')} IS NOT NULL THEN 'instant'
    WHEN regexp_full_match(t, ${literal(NUMBER)}) AND ${decimal('t')} IS NOT NULL THEN 'number' END`;
  const offset = `NOT (${isPlain('t')}) AND regexp_matches(t, '\\d\\s*([Zz]|[A-Z][A-Za-z_/]+)\\s*$|:\\d.*[+-]\\d')`;
  const found = await query(
    connection,
    `SELECT kind, count(*) AS rows, count(*) FILTER (kind = 'instant' AND (${offset})) AS zoned,
       count(*) FILTER (kind = 'instant' AND t LIKE '%:%' AND NOT (${offset})) AS plain
     FROM (SELECT t, ${kind} AS kind FROM (SELECT ${text} AS t FROM ${from}) WHERE t IS NOT NULL) GROUP BY kind`,
    'looking at the times',
  );
  const kinds = found.map((row) => row.kind);
  if (kinds.length === 1 && kinds[0] === 'number')
    return { value: { sql: decimal(text), type: 'DECIMAL(38,9)' }, withOffset: 0, withoutOffset: 0 };
  if (kinds.every((kind) => kind === 'instant'))
    return {
      value: { sql: instant(text), type: 'TIMESTAMP' },
      withOffset: Number(found[0]?.zoned ?? 0),
      withoutOffset: Number(found[0]?.plain ?? 0),
    };
  const formats = await query(
    connection,
    `SELECT ${shape('t')} AS format, min(t) AS example, count(*) AS rows, count(*) OVER () AS formats
     FROM (SELECT ${text} AS t FROM ${from}) WHERE t IS NOT NULL GROUP BY format ORDER BY rows DESC, format LIMIT 5`,
    'looking at the times',
  );
  throw error('DATA_TIME_TEXT', {
    ...used,
    formats: formats.map((f) => ({ format: String(f.format), example: String(f.example), rows: Number(f.rows) })),
    more: Number(formats[0].formats) - formats.length,
  });
}
