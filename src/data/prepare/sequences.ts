/**
 * Behaviour sequences: for every row and type, the last items of the row's key at earlier times. Equal times are not
 * earlier, so a row never sees itself.
 *
 * Which rows feed them: under a split by the very time that orders the sequences, all rows, since earlier rows are never of
 * a later part. Under any other split the training rows alone, since others may be validation or test rows.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, type PreparedSequences } from '../encode/ids.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { givenSequences, SEQUENCE_KEY, SEQUENCE_TIME, sequenceType } from '../expressions/places.ts';
import { sequenceColumn } from '../prepared/columns.ts';
import { execute } from '../sql/duckdb.ts';
import { filePath } from '../sql/text.ts';
import { isTextTime, timeText } from '../sql/times.ts';
import { hashedIdSql, isOrdered, storedSequence, textOf } from '../sql/tokens.ts';

type SequenceConfig = NonNullable<DatasetConfig['sequences']>;

/** What the manifest says of them. */
export function describeSequences({ sequences, split }: DatasetConfig): PreparedSequences | undefined {
  if (sequences === undefined) return undefined;
  const { item, length, types, time } = sequences;
  const isByItsTime = split.kind === 'time' && split.column.trim() === time.trim();
  const from = isByItsTime ? 'earlier rows' : 'train rows';
  return { itemField: item, length, types: Object.keys(types), from };
}

/** SQL of the key of a row, NULL where missing. */
function sequenceKey(values: Values): string {
  const { sql, type } = checkedValue(values, SEQUENCE_KEY);
  return textOf(sql, type);
}

/** SQL of the time of a row (a text as it is), NULL where missing. Throws DATA_EXPRESSION_INVALID where its values have no order. */
function sequenceTime({ time }: SequenceConfig, values: Values): string {
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

/** Columns of the rows table: `sequence_key`, `sequence_time` and, type by type, `s0 s1 ...`. */
export function sequenceInputs({ sequences }: DatasetConfig, values: Values): string[] {
  if (sequences === undefined) return [];
  return [
    `${sequenceKey(values)} AS sequence_key`,
    `${sequenceTime(sequences, values)} AS sequence_time`,
    ...Object.entries(sequences.types).map(([type, sql], k) => `${sequenceCondition(type, sql, values)} AS s${k}`),
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
  sequences: SequenceConfig,
  { from }: PreparedSequences,
  item: { id: string; joins: string },
): Promise<void> {
  const types = Object.keys(sequences.types);
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
  const last = `ROWS BETWEEN ${sequences.length - 1} PRECEDING AND CURRENT ROW`;
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

/** The encoded sequences of a row: a column a type, and the join that brings them to a row. */
export const encodedSequences = ({
  types,
}: PreparedSequences): { columns: { name: string; sql: string }[]; join: string } => ({
  columns: types.map((type, k) => ({ name: sequenceColumn(type), sql: `coalesce(q.q${k}, []::INTEGER[])` })),
  join: ' LEFT JOIN sequences AS q USING (row)',
});

/** Columns `g0 g1 ...` of rows to be scored: the tokens of the lists that they bring. Throws DATA_EXPRESSION_INVALID. */
export const givenColumns = (config: DatasetConfig, values: Values): string[] =>
  givenSequences(config).map(({ usedBy, sql: expression }, k) => {
    const { sql, type } = checkedValue(values, usedBy);
    const tokens = storedSequence(sql, type, config.sequences?.length ?? 0);
    if (tokens !== undefined) return `${tokens} AS g${k}`;
    const reason = `expected a list of items, oldest first, or a text with | between them; it gives a value of type ${type}`;
    throw error('DATA_EXPRESSION_INVALID', { usedBy, expression, reason });
  });

/**
 * Creates `given0 given1 ...` of rows to be scored: `row` and `items`, a list of ids of the item field, out of its vocabulary
 * file or by hashing.
 */
export async function encodeGiven(
  connection: DuckDBConnection,
  { types }: PreparedSequences,
  item: { vocabulary: string } | { hash: number },
): Promise<void> {
  const [id, join] =
    'hash' in item
      ? [hashedIdSql('token', item.hash), '']
      : ['id', ` LEFT JOIN read_parquet(${filePath(item.vocabulary)}) USING (token)`];
  for (const k of types.keys())
    await execute(
      connection,
      `CREATE TABLE given${k} AS SELECT row, list(coalesce(${id}, ${OUT_OF_VOCABULARY_ID}) ORDER BY place) AS items
       FROM (SELECT row, unnest(g${k}) AS token, generate_subscripts(g${k}, 1) AS place FROM rows)${join} GROUP BY row`,
      'encoding the sequences',
    );
}
