/**
 * Behaviour sequences: for every row and type, the last items of the row's key at earlier times, or of a list that the row brings. Equal times
 * are not earlier, so a row never sees itself.
 *
 * Which rows feed them: under a split by the very time that orders the sequences, all rows, since earlier rows are never of
 * a later part. Under any other split the training rows alone, since others may be validation or test rows.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { builtOf, sequenceTypes } from '../../config/dataset/sequences.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, type PreparedSequences } from '../encode/ids.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { givenSequences, SEQUENCE_KEY, SEQUENCE_TIME, sequenceType } from '../expressions/places.ts';
import { execute } from '../sql/duckdb.ts';
import { isTextTime, timeText } from '../sql/times.ts';
import { hashedIdSql, isOrdered, storedSequence, textOf } from '../sql/tokens.ts';

type Built = NonNullable<ReturnType<typeof builtOf>>;

/** What the manifest says of them. */
export function describeSequences({ sequences, split }: DatasetConfig): PreparedSequences | undefined {
  if (sequences === undefined) return undefined;
  const { item, length } = sequences;
  const described = { itemField: item, length, types: sequenceTypes(sequences) };
  const built = builtOf(sequences);
  if (built === undefined) return { ...described, from: 'given lists' };
  const isByItsTime = split.kind === 'time' && split.column.trim() === built.time.trim();
  return { ...described, from: isByItsTime ? 'earlier rows' : 'train rows' };
}

/** SQL of the key of a row, NULL where missing. */
function sequenceKey(values: Values): string {
  const { sql, type } = checkedValue(values, SEQUENCE_KEY);
  return textOf(sql, type);
}

/** SQL of the time of a row (a text as it is), NULL where missing. Throws DATA_EXPRESSION_INVALID where its values have no order. */
function sequenceTime({ time }: Built, values: Values): string {
  const { sql, type } = checkedValue(values, SEQUENCE_TIME);
  if (isTextTime(type)) return timeText(sql);
  if (isOrdered(type)) return sql;
  const reason = `a value of type ${type} is not a time`;
  throw error('DATA_EXPRESSION_INVALID', { usedBy: SEQUENCE_TIME, expression: time, reason });
}

/** SQL that is true where a row counts for a type, else false. Throws DATA_EXPRESSION_INVALID where it is no condition. */
function sequenceCondition(type: string, condition: string, values: Values): string {
  const { sql, type: found } = checkedValue(values, sequenceType(type));
  if (/^(BOOLEAN|"NULL"|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))$/.test(found))
    return `coalesce(${sql}::BOOLEAN, false)`;
  const reason = `expected true or false, or 1 or 0; it gives a value of type ${found}`;
  throw error('DATA_EXPRESSION_INVALID', { usedBy: sequenceType(type), expression: condition, reason });
}

/** Columns of the rows table: `sequence_key`, `sequence_time` and, type by type, `s0 s1 ...`; or `g0 g1 ...`, lists that rows bring. */
export function sequenceInputs(config: DatasetConfig, values: Values): string[] {
  const { sequences } = config;
  if (sequences === undefined) return [];
  const built = builtOf(sequences);
  if (built === undefined) return givenColumns(config, values);
  return [
    `${sequenceKey(values)} AS sequence_key`,
    `${sequenceTime(built, values)} AS sequence_time`,
    ...Object.entries(built.types).map(([type, sql], k) => `${sequenceCondition(type, sql, values)} AS s${k}`),
  ];
}

/**
 * Creates the table `sequences`: `row` and, type by type, `q0 q1 ...`, lists of ids of the item field, oldest first, NULL
 * where there is none. `item`: SQL of that id over the view `placed`, and the joins that it needs.
 *
 * Each event gets the list of the last items up to it; a row takes the list of the last event before it. All lists are of
 * bounded length, so the work grows with rows times length however many rows a key has.
 */
export async function createSequences(
  connection: DuckDBConnection,
  { from, length, types }: PreparedSequences,
  item: { id: string; joins: string },
): Promise<void> {
  const doing = 'building the sequences';
  const conditions = types.map((_, k) => `s${k}`);
  await execute(
    connection,
    `CREATE TABLE events AS
     SELECT row, sequence_key AS key, sequence_time AS time, ${item.id} AS item, ${conditions.join(', ')} FROM placed${item.joins}
     WHERE sequence_key IS NOT NULL AND sequence_time IS NOT NULL AND (${conditions.join(' OR ')})
     ${from === 'train rows' ? 'AND split = 0' : ''}`,
    doing,
  );
  const inOrder = 'PARTITION BY key ORDER BY time, row';
  const last = `ROWS BETWEEN ${length - 1} PRECEDING AND CURRENT ROW`;
  // Of the events of one time only the last one's list holds them all.
  for (const k of types.keys())
    await execute(
      connection,
      `CREATE TABLE history${k} AS SELECT key, time, items FROM (
         SELECT key, time, list(item) OVER (${inOrder} ${last}) AS items, lead(time) OVER (${inOrder}) AS next
         FROM events WHERE s${k})
       WHERE next IS DISTINCT FROM time`,
      doing,
    );
  const columns = types.map((_, k) => `h${k}.items AS q${k}`);
  const before = types.map(
    (_, k) => `ASOF LEFT JOIN history${k} AS h${k} ON h${k}.key = sequence_key AND sequence_time > h${k}.time`,
  );
  await execute(
    connection,
    `CREATE TABLE sequences AS SELECT row, ${columns.join(', ')}
     FROM (SELECT row, sequence_key, sequence_time FROM rows) ${before.join('\n')}`,
    doing,
  );
}

/** The encoded sequences of a row: SQL of each type's ids, and the join that brings them to a row. */
export const encodedSequences = ({ types }: PreparedSequences): EncodedSequences => ({
  ids: types.map((_, k) => `coalesce(q.q${k}, []::INTEGER[])`),
  join: ' LEFT JOIN sequences AS q USING (row)',
});

export interface EncodedSequences {
  ids: string[];
  join: string;
}

/** Columns `g0 g1 ...`: the tokens of the lists that rows bring. Throws DATA_EXPRESSION_INVALID. */
export const givenColumns = (config: DatasetConfig, values: Values): string[] =>
  givenSequences(config).map(({ usedBy, sql: expression }, k) => {
    const { sql, type } = checkedValue(values, usedBy);
    const tokens = storedSequence(sql, type, config.sequences?.length ?? 0);
    // No token is an empty text: it stands for a missing item, so that lists with one are equal to themselves.
    if (tokens !== undefined) return `list_transform(${tokens}, lambda token: coalesce(token, '')) AS g${k}`;
    const reason = `expected a list of items, oldest first, or a text with | between them; it gives a value of type ${type}`;
    throw error('DATA_EXPRESSION_INVALID', { usedBy, expression, reason });
  });

/**
 * Encodes the lists `g0 g1 ...` that rows bring. Creates `given0 given1 ...`: `tokens`, a list as it is, and `items`, its ids of the item
 * field; the rows of an answer share their lists, so each is encoded once.
 *
 * @param item SQL of a relation with `token` and `id`, or the size of the hash space
 */
export async function encodeGiven(
  connection: DuckDBConnection,
  { types }: PreparedSequences,
  item: { vocabulary: string } | { hash: number },
): Promise<EncodedSequences> {
  const [id, join] =
    'hash' in item
      ? [`CASE WHEN token <> '' THEN ${hashedIdSql('token', item.hash)} END`, '']
      : ['id', ` LEFT JOIN ${item.vocabulary} USING (token)`];
  for (const k of types.keys())
    await execute(
      connection,
      `CREATE TEMP TABLE given${k} AS SELECT tokens, list(coalesce(${id}, ${OUT_OF_VOCABULARY_ID}) ORDER BY place) AS items
       FROM (SELECT tokens, unnest(tokens) AS token, generate_subscripts(tokens, 1) AS place
             FROM (SELECT DISTINCT g${k} AS tokens FROM rows WHERE len(g${k}) > 0))${join} GROUP BY tokens`,
      'encoding the sequences',
    );
  return {
    ids: types.map((_, k) => `coalesce(given${k}.items, []::INTEGER[])`),
    join: types.map((_, k) => ` LEFT JOIN given${k} ON g${k} = given${k}.tokens`).join(''),
  };
}
