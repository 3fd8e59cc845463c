/** What to do about texts where numbers or labels were expected: advice that works when it is followed. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { type Source, viewOf } from '../sources/source.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { identifier, literal, sameName } from '../sql/text.ts';
import { isText } from '../sql/tokens.ts';
import { referencedColumns } from './columns.ts';

/** Texts that people and programs write for "no value". */
const NOTHING =
  /^\s*(null|none|nil|nan|nat|[+-]?inf(inity)?|na|n\/a|#n\/a|#na|\\n|undefined|missing|\(null\)|<na>|-+|\?|\.)\s*$/i;

const isNothing = (text: string): boolean => NOTHING.test(text);

/** A column of a source, as an expression names it. */
interface Place {
  column: string;
  source: Source;
}

/** Where advice comes from: the data set and a way to ask about it. */
interface Asked {
  connection: DuckDBConnection;
  config: DatasetConfig;
  sources: Source[];
}

/** The columns that an expression names, with their sources. */
async function placesOf({ connection, sources }: Asked, sql: string): Promise<Place[]> {
  const [references] = await referencedColumns(connection, [{ usedBy: 'advice', sql }]);
  return references.flatMap(([first, second]): Place[] => {
    const named = sources.find(({ name }) => second !== undefined && sameName(name, first));
    const column = named === undefined ? first : second;
    const has = (source: Source) => source.columns.find((c) => sameName(c.name, column));
    const source = named ?? sources.find(has);
    const found = source && has(source);
    return source === undefined || found === undefined ? [] : [{ column: found.name, source }];
  });
}

/** How to make `texts` missing in what `sql` gives. */
async function asMissing(asked: Asked, sql: string, texts: string[]): Promise<string> {
  const places = await placesOf(asked, sql);
  const source = places.find((place) => place.source.format === 'csv')?.source;
  if (source !== undefined) {
    const known = asked.config.sources[source.name].nullValues;
    const all = [...new Set(['', ...known, ...texts])].map(literal).join(', ');
    return `write nullValues: [${all}] in the source "${source.name}"`;
  }
  return texts.length === 1
    ? `write nullif(${sql}, ${literal(texts[0])}) instead of ${sql}`
    : `write CASE WHEN ${sql} NOT IN (${texts.map(literal).join(', ')}) THEN ${sql} END instead of ${sql}`;
}

const POSITIVE =
  /^(1|\+|y|yes|t|true|on|p|pos|positive|s|si|sí|ja|j|oui|o|да|是|success|click(ed)?|view(ed)?|buy|bought|purchased?|order(ed)?|like(d)?|converted)$/i;

/** How to make a label of an expression that gives `values`, the most frequent first, of which some are no label. */
export async function labelAdvice(asked: Asked, sql: string, type: string, values: string[]): Promise<string> {
  const shown = plain(sql);
  if (/^(DATE|TIME)/.test(type)) return `Write label: ${shown} IS NOT NULL, where a time means that it happened`;
  if (type.endsWith(']')) return `Write label: len(${shown}) > 0, where an entry means that it happened`;
  const nothing = values.filter(isNothing);
  const others = values.filter((value) => !isNothing(value));
  const missing = nothing.length === 0 ? '' : await asMissing(asked, shown, nothing);
  const quoted = nothing.map((text) => JSON.stringify(text)).join(', ');
  const first = missing === '' ? '' : `If ${quoted} means "no label", ${missing}. `;
  if (others.every((value) => /^(0|1|true|false)$/i.test(value) || [0, 1].includes(Number(value)))) return first.trim();
  return `${first}Make it a comparison, such as label: ${comparison(shown, type, others)}`;
}

/** A condition that is true for some of the values. */
function comparison(sql: string, type: string, values: string[]): string {
  const numbers = values.map(Number);
  if (numbers.every(Number.isFinite)) {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const number = isText(type) ? `TRY_CAST(${sql} AS DOUBLE)` : sql;
    return `${number} > ${low <= 0 ? 0 : Math.floor((low + high) / 2)}`;
  }
  const positive = values.filter((value) => POSITIVE.test(value.trim()));
  if (positive.length === 1) return `${sql} = ${literal(positive[0])}`;
  if (positive.length > 1) return `${sql} IN (${positive.map(literal).join(', ')})`;
  // The rarer of two is more often what is looked for.
  return values.length <= 2
    ? `${sql} = ${literal(values[values.length - 1])}`
    : `${sql} IN (${values.slice(-2).map(literal).join(', ')})`;
}

/** How to make numbers of a field's expression that gives texts. `from`: the rows, with a WHERE at the end. */
export async function numberAdvice(asked: Asked, sql: string, from: string): Promise<string> {
  const shown = plain(sql);
  const bad = await notNumbers(asked.connection, `(${sql}\n)`, from, 'looking at texts');
  if (bad.length === 0) return `Write expression: CAST(${shown} AS DOUBLE)`;
  if (bad.every(isNothing)) {
    const places = await placesOf(asked, sql);
    const isCsv = places.some(({ source }) => source.format === 'csv');
    const cast = `write expression: TRY_CAST(${shown} AS DOUBLE)`;
    return `If that means "no value", ${isCsv ? `${await asMissing(asked, sql, bad)}, or ` : ''}${cast}`;
  }
  const numbers = bad.filter((text) => !isNothing(text));
  const changed = cleaned(shown, numbers);
  return `Write expression: TRY_CAST(${changed} AS DOUBLE)${changed === shown ? ', which makes a value that is not a number missing' : ''}`;
}

/** The expression without what keeps its texts from being numbers, where that is all alike. */
function cleaned(sql: string, texts: string[]): string {
  const all = (pattern: RegExp): boolean => texts.every((text) => pattern.test(text.trim()));
  if (all(/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/)) return `replace(${sql}, ',', '')`;
  if (all(/^[+-]?\d*,\d+$/)) return `replace(${sql}, ',', '.')`;
  if (all(/^[^\d.,+-]*[+-]?\d+(\.\d+)?[^\d.,]*$/)) return `regexp_replace(${sql}, '[^0-9.+-]', '', 'g')`;
  return sql;
}

/** The error of an expression that cannot be used, with what to do about it where that is known; other errors as they are. */
export async function withAdvice(asked: Asked, cause: unknown): Promise<unknown> {
  if (!(cause instanceof TributaryError) || cause.code !== 'DATA_EXPRESSION_INVALID') return cause;
  const details = cause.details as { usedBy: string; expression: string; reason: string };
  const advice = await textColumnAdvice(asked, details.expression).catch(() => undefined);
  if (advice === undefined) return cause;
  return error('DATA_EXPRESSION_INVALID', { ...details, reason: `${details.reason}. ${advice}` }, cause.cause);
}

/**
 * Of the columns that an expression names: one that is a text although most of its values are numbers, which is why the
 * expression cannot be used, and what to do about it. Undefined where there is none.
 */
async function textColumnAdvice(asked: Asked, sql: string): Promise<string | undefined> {
  for (const { column, source } of await placesOf(asked, sql)) {
    if (source.columns.find(({ name }) => name === column)?.type !== 'VARCHAR') continue;
    const name = identifier(column);
    const from = `FROM ${viewOf(source.name)} WHERE ${name} IS NOT NULL`;
    const doing = `looking at column "${column}"`;
    const { texts, numbers } = await queryOne(
      asked.connection,
      `SELECT count(*) AS texts, count(TRY_CAST(${name} AS DOUBLE)) FILTER (isfinite(TRY_CAST(${name} AS DOUBLE))) AS numbers ${from}`,
      doing,
    );
    const others = Number(texts) - Number(numbers);
    if (Number(numbers) === 0 || Number(numbers) < others) continue;
    const bad = await notNumbers(asked.connection, name, from.replace('FROM ', ''), doing);
    const such = bad.slice(0, 3).map((text) => JSON.stringify(text));
    const because = others === 0 ? '' : ` because of ${such.join(', ')} (${others} of ${source.rows} rows)`;
    const shown = plain(name);
    const cast = `use TRY_CAST(${shown} AS DOUBLE) instead of ${shown}`;
    const advice = bad.length > 0 && bad.every(isNothing) ? `${await asMissing(asked, name, bad)}, or ${cast}` : cast;
    return `${shown} is a text${because}: ${advice}`;
  }
  return undefined;
}

/** The most frequent values of a text expression that are no numbers. `from` ends with a WHERE. */
async function notNumbers(connection: DuckDBConnection, sql: string, from: string, doing: string): Promise<string[]> {
  const rows = await query(
    connection,
    `SELECT v FROM (SELECT ${sql} AS v FROM ${from}) WHERE coalesce(NOT isfinite(TRY_CAST(v AS DOUBLE)), v IS NOT NULL)
     GROUP BY v ORDER BY count(*) DESC, v LIMIT 8`,
    doing,
  );
  return rows.map((row) => String(row.v));
}

/** Words that SQL keeps for itself. */
const RESERVED =
  /^(all|and|any|array|as|asc|at|case|cast|check|column|default|desc|distinct|do|else|end|false|for|from|group|having|in|is|limit|not|null|offset|on|or|order|select|table|then|to|true|union|unique|user|using|when|where|window|with)$/i;

/** `"price"` -> price, where SQL takes it so. */
function plain(sql: string): string {
  const name = /^"([A-Za-z_]\w*)"$/.exec(sql)?.[1];
  return name === undefined || RESERVED.test(name) ? sql : name;
}
