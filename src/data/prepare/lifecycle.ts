/**
 * The lifecycle of tokens over data sets whose vocabularies go on. Each field has a ledger: of every token the rows that it was seen in,
 * counted once each by their times, and the last of these times.
 *
 *   admission  a token of `minCount` sightings gets an id, be it that it took several data sets; until then it is an unknown value.
 *   eviction   a token that was not seen for `evictAfterDays` leaves; its id goes to another token. If it comes again it starts anew.
 *
 * Libraries of ranking such as TorchEasyRec call them so.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { RESERVED_IDS } from '../encode/ids.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { LIFECYCLE_TIME } from '../expressions/places.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { filePath } from '../sql/text.ts';
import { isTextTime, timeText } from '../sql/times.ts';
import type { EncodedField } from './row-values.ts';

/** The column `seen_time` of the rows table: when a row was seen, as a time of UTC or a text; none without a lifecycle. */
export function seenTime({ vocabulary: { lifecycle } }: DatasetConfig, values: Values): string[] {
  if (lifecycle === undefined) return [];
  const { sql, type } = checkedValue(values, LIFECYCLE_TIME);
  if (isTextTime(type)) return [`${timeText(sql)} AS seen_time`];
  if (type === 'TIMESTAMP WITH TIME ZONE') return [`${sql} AT TIME ZONE 'UTC' AS seen_time`];
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) return [`${sql}::TIMESTAMP AS seen_time`];
  throw notDays(lifecycle.time, type);
}

/** Throws DATA_EXPRESSION_INVALID if texts turned out to be numbers: days must be known. */
export function checkSeenTime({ vocabulary: { lifecycle } }: DatasetConfig, type: string): void {
  if (lifecycle !== undefined && !type.startsWith('TIMESTAMP')) throw notDays(lifecycle.time, type);
}

const notDays = (expression: string, type: string) =>
  error('DATA_EXPRESSION_INVALID', {
    usedBy: LIFECYCLE_TIME,
    expression,
    reason: `a value of type ${type} is not a date or time: make one of it, of seconds by to_timestamp(...)`,
  });

/** Has the field a ledger? Hashed tokens have no ids of their own, and buckets of numbers stay. */
export const hasLedger = ({ field }: Pick<EncodedField, 'field'>, { vocabulary }: DatasetConfig): boolean =>
  vocabulary.lifecycle !== undefined && field.kind !== 'numeric' && field.hash === undefined;

/** Files of an earlier data set; a ledger is absent where it had no lifecycle. */
export interface EarlierVocabulary {
  vocabulary: string;
  ledger?: string;
}

/**
 * Creates `ledger<index>` (token, count, last) and `vocabulary<index>` (token, id, count) next to `values<index>`. Tokens that stay keep
 * their ids, unless ids of evicted ones are left free below them.
 *
 * @param counted SQL that is true for rows of `placed` that count
 */
export async function createLedger(
  connection: DuckDBConnection,
  config: DatasetConfig,
  { field, index }: EncodedField,
  { counted, minCount, earlier }: { counted: string; minCount: number; earlier: EarlierVocabulary | undefined },
): Promise<void> {
  const doing = `following the tokens of field "${field.name}"`;
  const run = (sql: string) => execute(connection, sql, doing);
  const [before, vocabulary] = earlierTables(earlier);
  const value = field.kind === 'multi' ? `unnest(f${index})` : `f${index}`;
  const isNew = `coalesce(seen_time > (SELECT max(last) FROM ${before}), seen_time IS NOT NULL)`;
  const sightings = `SELECT ${value} AS value, seen_time FROM placed WHERE f${index} IS NOT NULL AND ${counted} AND ${isNew}`;
  const seen =
    `SELECT v.token, s.count, s.last FROM (SELECT value, count(*) AS count, max(seen_time) AS last FROM (${sightings}) GROUP BY value) AS s ` +
    `JOIN values${index} AS v USING (value)`;
  const now = `(SELECT max(seen_time) FROM placed WHERE ${counted})`;
  // Tokens of a vocabulary without a ledger count as seen now.
  await run(
    `CREATE TEMP TABLE ledger${index} AS SELECT token, (coalesce(o.count, 0) + coalesce(s.count, 0))::BIGINT AS count,
       coalesce(greatest(o.last, s.last), ${now}) AS last FROM ${before} AS o FULL JOIN (${seen}) AS s USING (token)`,
  );
  const days = config.vocabulary.lifecycle?.evictAfterDays;
  if (days !== undefined)
    await run(`DELETE FROM ledger${index} WHERE last < ${now} - to_microseconds(${Math.round(days * 86_400e6)})`);
  await assignIds(connection, index, { vocabulary, minCount, doing });
}

/** The earlier ledger (token, count, last) and vocabulary (token, id) as SQL; empty ones without an earlier data set. */
function earlierTables(earlier: EarlierVocabulary | undefined): [ledger: string, vocabulary: string] {
  if (earlier === undefined)
    return [
      "(SELECT '' AS token, 0::BIGINT AS count, NULL::TIMESTAMP AS last LIMIT 0)",
      "(SELECT '' AS token, 0 AS id LIMIT 0)",
    ];
  const vocabulary = `read_parquet(${filePath(earlier.vocabulary)})`;
  if (earlier.ledger !== undefined) return [`read_parquet(${filePath(earlier.ledger)})`, vocabulary];
  return [`(SELECT token, count::BIGINT AS count, NULL::TIMESTAMP AS last FROM ${vocabulary})`, vocabulary];
}

/**
 * Ids without gaps. Tokens keep theirs as far as these are below the new size. Free ids, from the lowest on, go to tokens that must move,
 * then to new ones by falling count.
 */
async function assignIds(
  connection: DuckDBConnection,
  index: number,
  { vocabulary, minCount, doing }: { vocabulary: string; minCount: number; doing: string },
): Promise<void> {
  const ledger = `ledger${index}`;
  const kept = `SELECT token, o.id FROM ${vocabulary} AS o JOIN ${ledger} USING (token)`;
  const added = `SELECT token, count FROM ${ledger} WHERE count >= ${minCount} AND token NOT IN (SELECT token FROM ${vocabulary})`;
  const sizes = `SELECT (SELECT count(*) FROM (${kept})) + (SELECT count(*) FROM (${added})) AS n`;
  const end = RESERVED_IDS + Number((await queryOne(connection, sizes, doing)).n);
  const waiting =
    `SELECT token, id AS first, 0 AS count FROM (${kept}) WHERE id >= ${end} ` +
    `UNION ALL SELECT token, ${end} + 2147483647::BIGINT AS first, count FROM (${added})`;
  const free = `SELECT range AS id FROM range(${RESERVED_IDS}, ${end}) WHERE range NOT IN (SELECT id FROM (${kept}))`;
  await execute(
    connection,
    `CREATE TEMP TABLE vocabulary${index} AS
       SELECT token, id::INTEGER AS id, coalesce(v.count, 0) AS count FROM (
         SELECT token, id FROM (${kept}) WHERE id < ${end}
         UNION ALL
         SELECT token, id FROM (SELECT token, row_number() OVER (ORDER BY first, count DESC, token) AS k FROM (${waiting}))
           JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k FROM (${free})) USING (k)
       ) LEFT JOIN values${index} AS v USING (token)`,
    doing,
  );
}
