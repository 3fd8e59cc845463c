/**
 * Vocabularies: for every field the tokens of the rows table with their ids and counts, and the mapping from stored
 * values to ids. Ids follow falling count, then the token's text, so that equal data give equal ids.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig, FieldConfig, ValueField } from '../../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, RESERVED_IDS } from '../encode/ids.ts';
import type { Buckets } from '../encode/tokens.ts';
import { execute, query, queryOne } from '../sql/duckdb.ts';
import { registerBuckets } from '../sql/functions.ts';
import { filePath } from '../sql/text.ts';
import { hashedIdSql } from '../sql/tokens.ts';
import { createLedger, type EarlierVocabulary, hasLedger } from './lifecycle.ts';
import type { EncodedField } from './row-values.ts';

/** Size of the hash space of a field that hashes its tokens, else undefined. */
export const hashSize = (field: FieldConfig): number | undefined => ('hash' in field ? field.hash : undefined);

const column = ({ index }: EncodedField): string => `f${index}`;
const bucketFunction = (index: number): string => `tributary_bucket_${index}`;

/** SQL of what is mapped to an id: the stored value, or what `createNumbers` found best for numbers. */
const mappedValue = (f: EncodedField): string =>
  f.field.kind === 'numeric' ? `mapped${f.index}(${column(f)})` : column(f);

/** Makes the buckets of a number or a rate known to SQL: `tributary_bucket_<index>`. */
export const registerFieldBuckets = (
  connection: DuckDBConnection,
  { index }: Pick<EncodedField, 'index'>,
  buckets: Buckets,
): Promise<void> => registerBuckets(connection, bucketFunction(index), buckets);

/** The buckets of a numeric field; quantile edges are taken from the vocabulary's rows unless they are given. */
export async function findBuckets(
  connection: DuckDBConnection,
  f: EncodedField,
  from: DatasetConfig['vocabulary']['from'],
): Promise<Buckets> {
  if (f.field.kind !== 'numeric') throw new Error(`${f.field.name} is not numeric`);
  const { buckets } = f.field;
  if (buckets === 'logSquare' || 'edges' in buckets) return buckets;
  const rows = `SELECT ${column(f)} AS v FROM placed WHERE ${column(f)} IS NOT NULL${from === 'train' ? ' AND split = 0' : ''}`;
  const doing = `finding the quantiles of field "${f.field.name}"`;
  return { edges: await quantileEdges(connection, rows, buckets.quantiles, doing) };
}

/** Edges between `quantiles` buckets with about equally many of the numbers `v` of a query. */
export async function quantileEdges(
  connection: DuckDBConnection,
  rows: string,
  quantiles: number,
  doing: string,
): Promise<number[]> {
  const { n, low } = await queryOne(connection, `SELECT count(*) AS n, min(v) AS low FROM (${rows})`, doing);
  const places = Array.from({ length: quantiles - 1 }, (_, k) => Math.floor(((k + 1) * Number(n)) / quantiles));
  // A sort and a scan, both of which spill to disk; an edge at the smallest value would make an empty bucket.
  const edges = await query(
    connection,
    `SELECT DISTINCT v FROM (SELECT v, row_number() OVER () - 1 AS place FROM (SELECT v FROM (${rows}) ORDER BY v))
     WHERE place IN (${places.join(', ')}) AND v > ${Number(low ?? 0)} ORDER BY v`,
    doing,
  );
  return edges.map((e) => Number(e.v));
}

/**
 * Creates `values<index>`: every value (of numbers: bucket) that occurs, its token, `rows` (how often it occurs) and `count`:
 * the same of the rows for which `counted` is true (a condition on the split). Of a multi-value field also `lists<index>`:
 * its lists, counted alike.
 */
async function countValues(connection: DuckDBConnection, f: EncodedField, counted = 'true'): Promise<void> {
  const doing = `counting the values of field "${f.field.name}"`;
  const from = counted === 'true' ? 'rows' : 'placed';
  let counts =
    `SELECT ${column(f)} AS value, count(*) AS rows, count(*)${counted === 'true' ? '' : ` FILTER (${counted})`} AS count ` +
    `FROM ${from} WHERE ${column(f)} IS NOT NULL GROUP BY ${column(f)}`;
  if (f.field.kind === 'multi') {
    // Lists repeat, as they come with a user or an item.
    await execute(connection, `CREATE TEMP TABLE lists${f.index} AS ${counts}`, doing);
    const elements = `SELECT unnest(value) AS value, rows, count FROM lists${f.index}`;
    counts = `SELECT value, ${SUMS} FROM (${elements}) GROUP BY value`;
  }
  if (f.field.kind === 'numeric') {
    await createNumbers(connection, f, counts);
    counts = `SELECT bucket AS value, ${SUMS} FROM numbers${f.index} GROUP BY bucket`;
  }
  await execute(
    connection,
    `CREATE TEMP TABLE values${f.index} AS SELECT value, ${f.stored.token('value')} AS token, rows, count FROM (${counts})`,
    doing,
  );
}

const SUMS = 'sum(rows)::BIGINT AS rows, sum(count)::BIGINT AS count';

/** SQL of one number: the rows that have a value of the field. */
export const presentRows = ({ field, index }: Pick<EncodedField, 'field' | 'index'>): string =>
  hashSize(field) !== undefined
    ? `SELECT count(f${index})::BIGINT AS rows FROM rows`
    : `SELECT coalesce(sum(rows), 0)::BIGINT AS rows FROM ${field.kind === 'multi' ? 'lists' : 'values'}${index}`;

/** Numbers of a field that are mapped to ids one by one. */
const MOST_NUMBERS = 65_536;

/**
 * Creates `numbers<index>`, the numbers that occur with their buckets, and the macro `mapped<index>`: the number itself
 * where they are few, as with numbers that come with a user or an item, else its bucket, which costs a call per row.
 */
async function createNumbers(connection: DuckDBConnection, f: EncodedField, counts: string): Promise<void> {
  const { index, field } = f;
  const bucket = bucketFunction(index);
  const doing = `counting the values of field "${field.name}"`;
  await execute(
    connection,
    `CREATE TEMP TABLE numbers${index} AS SELECT value, ${bucket}(value) AS bucket, rows, count FROM (${counts})`,
    doing,
  );
  const { n } = await queryOne(connection, `SELECT count(*) AS n FROM numbers${index}`, doing);
  const mapped = Number(n) <= MOST_NUMBERS ? 'value' : `${bucket}(value)`;
  await execute(connection, `CREATE TEMP MACRO mapped${index}(value) AS ${mapped}`, doing);
}

/** Threshold of a field; numbers are exempt from the general one. */
const minCount = (field: ValueField, config: DatasetConfig): number =>
  Math.max(1, field.minCount ?? (field.kind === 'numeric' ? 1 : config.vocabulary.minCount));

/**
 * Creates `vocabulary<index>` (token, id, count) and the mapping; returns the number of ids, reserved ones included.
 * `earlier` is a vocabulary to extend: its ids stay, new tokens follow after them.
 */
export async function createVocabulary(
  connection: DuckDBConnection,
  config: DatasetConfig,
  f: EncodedField,
  earlier?: EarlierVocabulary,
): Promise<number> {
  const { index, field } = f;
  const counted = config.vocabulary.from === 'train' ? 'split = 0' : undefined;
  await countValues(connection, f, counted);
  const doing = `building the vocabulary of field "${field.name}"`;
  if (hasLedger(f, config))
    await createLedger(connection, config, f, {
      counted: counted ?? 'true',
      minCount: minCount(field, config),
      earlier,
    });
  else await extendVocabulary(connection, config, f, earlier);
  await createMapping(connection, f, `vocabulary${index}`);
  const { size } = await queryOne(
    connection,
    `SELECT coalesce(max(id) + 1, ${RESERVED_IDS}) AS size FROM vocabulary${index}`,
    doing,
  );
  return Number(size);
}

/** Creates `vocabulary<index>`: the tokens of an earlier one, then those of these rows. */
async function extendVocabulary(
  connection: DuckDBConnection,
  config: DatasetConfig,
  { index, field }: EncodedField,
  earlier: EarlierVocabulary | undefined,
): Promise<void> {
  const old = earlier === undefined ? undefined : `read_parquet(${filePath(earlier.vocabulary)})`;
  const first = old === undefined ? RESERVED_IDS : `coalesce((SELECT max(id) + 1 FROM ${old}), ${RESERVED_IDS})`;
  const added =
    `SELECT token, (row_number() OVER (ORDER BY count DESC, token) - 1 + ${first})::INTEGER AS id, count ` +
    `FROM values${index} WHERE count >= ${minCount(field, config)}${old === undefined ? '' : ` AND token NOT IN (SELECT token FROM ${old})`}`;
  const kept = `SELECT token, id, coalesce(v.count, 0) AS count FROM ${old} AS o LEFT JOIN values${index} AS v USING (token)`;
  await execute(
    connection,
    `CREATE TEMP TABLE vocabulary${index} AS ${old === undefined ? added : `${kept} UNION ALL ${added}`}`,
    `building the vocabulary of field "${field.name}"`,
  );
}

/** Creates the mapping of the values in the rows table by a vocabulary made before, from its file. */
export async function applyVocabulary(
  connection: DuckDBConnection,
  f: EncodedField,
  vocabulary: string,
): Promise<void> {
  await countValues(connection, f);
  await createMapping(connection, f, `read_parquet(${filePath(vocabulary)})`);
}

/** Creates `mapping<index>` (value, id); for a multi-value field from whole lists to lists of ids, as lists repeat. */
async function createMapping(connection: DuckDBConnection, f: EncodedField, vocabulary: string): Promise<void> {
  const { index, field } = f;
  const single = `SELECT v.value, w.id FROM values${index} AS v JOIN ${vocabulary} AS w USING (token)`;
  // Of numbers: what the macro gives of each; several give the same bucket.
  const numbers =
    `SELECT DISTINCT mapped${index}(n.value) AS value, s.id ` +
    `FROM numbers${index} AS n JOIN (${single}) AS s ON n.bucket = s.value`;
  const lists =
    `SELECT l.value, list(coalesce(s.id, ${OUT_OF_VOCABULARY_ID}) ORDER BY place) AS id ` +
    `FROM (SELECT value, unnest(value) AS element, generate_subscripts(value, 1) AS place ` +
    `FROM lists${index}) AS l ` +
    `LEFT JOIN (${single}) AS s ON l.element = s.value GROUP BY l.value`;
  await execute(
    connection,
    `CREATE TEMP TABLE mapping${index} AS ${{ multi: lists, numeric: numbers, categorical: single }[field.kind]}`,
    `mapping the values of field "${field.name}"`,
  );
}

/** The encoded rows: SQL of each field's ids, and the joins that they need after the rows table. */
export function encodedColumns(fields: EncodedField[]): { ids: string[]; joins: string } {
  const joined = fields.filter(({ field }) => hashSize(field) === undefined);
  return {
    ids: fields.map((f) => idsSql(f)),
    joins: joined
      .map((f) => ` LEFT JOIN mapping${f.index} AS m${f.index} ON ${mappedValue(f)} = m${f.index}.value`)
      .join(''),
  };
}

/** int32, or a list of them for a multi-value field. */
function idsSql(f: EncodedField): string {
  const { field, index, stored } = f;
  const size = hashSize(field);
  if (field.kind === 'multi') {
    const ids =
      size === undefined ? `m${index}.id` : `list_transform(${column(f)}, lambda item: ${hashedIdSql('item', size)})`;
    return `coalesce(${ids}, []::INTEGER[])`;
  }
  const id = size === undefined ? `m${index}.id` : hashedIdSql(stored.token(column(f)), size);
  return `coalesce(${id}, ${OUT_OF_VOCABULARY_ID})::INTEGER`;
}
