/**
 * Rates: how often a label was 1 among training rows with the same values of some fields. A training row's rate never contains its
 * own label, nor one of a row that knows it: it is taken from the rows at earlier times, or from those of the other folds. Rows of
 * validation and test, and rows to be scored, take it from all training rows.
 *
 *   rate = (positives + priorRows * mean) / (rows + priorRows)     mean = (all positives + 1) / (all rows + 2)
 *
 * over the labelled rows in question. (Micci-Barreca, "A Preprocessing Scheme for High-Cardinality Categorical Attributes", SIGKDD
 * Explorations 2001; rows at earlier times as in Prokhorenkova et al., "CatBoost", NeurIPS 2018, section 3.2.) The rate becomes a
 * bucket, whose edges are quantiles of the training rows' rates.
 */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig, RateField } from '../../config/dataset.ts';
import { type PreparedField, RESERVED_IDS } from '../encode/ids.ts';
import { ratedFields, rateKeySql } from '../encode/rates.ts';
import { rateFile, vocabularyFile } from '../prepared/manifest.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { filePath } from '../sql/text.ts';
import { copyTo } from './parts.ts';
import type { EncodedField } from './row-values.ts';
import { encodedColumns, quantileEdges, registerFieldBuckets } from './vocabulary.ts';

/** What is known of a rate field once its table is there. */
type Rates = Pick<PreparedField, 'size' | 'edges' | 'rates'>;

interface Task {
  connection: DuckDBConnection;
  config: DatasetConfig;
  /** The fields that rows bring, with their vocabularies. */
  encoded: readonly EncodedField[];
  /** Sizes of those fields. */
  fields: readonly PreparedField[];
  /** Folder of the data set. */
  folder: string;
  /** Of an earlier data set that this one continues. */
  edges: number[] | undefined;
}

/**
 * Makes the vocabulary (buckets) and the table of a rate field, writes both, and creates the temporary table `rate_ids<index>`
 * (row, id within the field) for the rows of all parts.
 */
export async function createRates(task: Task, field: RateField, index: number): Promise<Rates> {
  const { connection, folder } = task;
  const doing = `computing the rates of field "${field.name}"`;
  await createRated(task, field, doing);
  const { n, s } = await queryOne(
    connection,
    'SELECT count(y) AS n, coalesce(sum(y), 0) AS s FROM rated WHERE split = 0',
    doing,
  );
  const all = { n: Number(n), s: Number(s) };
  const known = `SELECT key, count(y) AS n, coalesce(sum(y), 0) AS s FROM rated WHERE split = 0 AND key IS NOT NULL GROUP BY key`;
  await execute(connection, `CREATE OR REPLACE TEMP TABLE known AS ${known}`, doing);
  const own =
    originOf(field, task.config) === 'earlier' ? earlier(field) : otherFolds(field, all, originOf(field, task.config));
  await execute(connection, `CREATE OR REPLACE TEMP TABLE own AS ${own}`, doing);
  const edges = task.edges ?? (await quantileEdges(connection, 'SELECT rate AS v FROM own', field.quantiles, doing));
  await registerFieldBuckets(connection, { index }, { edges });
  const idOf = (rate: string): string => `(tributary_bucket_${index}(${rate}) + ${RESERVED_IDS})::INTEGER`;
  const mean = smoothed(field, { n: '0', s: '0' }, { n: String(all.n), s: String(all.s) });
  const { unknown } = await queryOne(connection, `SELECT ${idOf(mean)} AS unknown`, doing);
  const rate = smoothed(field, { n: 'n', s: 's' }, { n: String(all.n), s: String(all.s) });
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE rates AS
     SELECT key, n AS rows, rate, ${idOf('rate')} AS id FROM (SELECT key, n, ${rate} AS rate FROM known)`,
    doing,
  );
  await execute(
    connection,
    `CREATE TEMP TABLE rate_ids${index} AS SELECT row, ${idOf('rate')} AS id FROM own
     UNION ALL SELECT row, coalesce(id, ${Number(unknown)}) AS id FROM rated LEFT JOIN rates USING (key) WHERE split > 0`,
    doing,
  );
  await copyTo(connection, 'SELECT * FROM rates ORDER BY key', join(folder, rateFile(field.name)));
  const counts = `SELECT id, count(*) AS count FROM rate_ids${index} JOIN own USING (row) GROUP BY id`;
  const buckets = `SELECT unnest(range(${edges.length + 1})) AS bucket`;
  await copyTo(
    connection,
    `SELECT bucket::VARCHAR AS token, (bucket + ${RESERVED_IDS})::INTEGER AS id, coalesce(count, 0) AS count
     FROM (${buckets}) LEFT JOIN (${counts}) ON id = bucket + ${RESERVED_IDS} ORDER BY bucket`,
    join(folder, vocabularyFile(field.name)),
  );
  return {
    size: RESERVED_IDS + edges.length + 1,
    edges,
    rates: { of: field.of, unknown: Number(unknown) },
  };
}

/** Which training rows the rate of a training row is taken from. */
const originOf = ({ from }: RateField, { split }: DatasetConfig): 'earlier' | { folds: number } =>
  from ?? (split.kind === 'time' ? 'earlier' : { folds: 5 });

/** Creates `rated`: row, split, time (under a split by time), key, y. */
async function createRated(
  { connection, config, encoded, fields }: Task,
  field: RateField,
  doing: string,
): Promise<void> {
  const of = ratedFields(fields, field);
  const used = of.map(({ name }) => encoded.find((f) => f.field.name === name) as EncodedField);
  const { ids, joins } = encodedColumns(used);
  const label = config.tasks.findIndex(({ name }) => name === field.task);
  const time = config.split.kind === 'time' ? 'split_key AS time, ' : '';
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE rated AS SELECT row, split, ${time}${rateKeySql(of, ids)} AS key, l${label}::INTEGER AS y
     FROM placed${joins}`,
    doing,
  );
}

/** Labelled rows and positives among them, as SQL. */
interface Counts {
  n: string;
  s: string;
}

const smoothed = ({ priorRows }: RateField, { n, s }: Counts, all: Counts): string =>
  `((${s})::DOUBLE + ${priorRows}::DOUBLE * (((${all.s})::DOUBLE + 1) / ((${all.n})::DOUBLE + 2))) / ((${n})::DOUBLE + ${priorRows}::DOUBLE)`;

/** SQL of `row` and `rate` of the training rows, from the rows at earlier times. */
function earlier(field: RateField): string {
  const before = (by: string): string => `OVER (${by} ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  const sums = (key: string): string => {
    const window = before(key === '' ? '' : 'PARTITION BY key');
    const group = `SELECT ${key}time, count(y) AS n, sum(y) AS s FROM rated WHERE split = 0 GROUP BY ${key}time`;
    return `SELECT ${key}time, coalesce(sum(n) ${window}, 0) AS n, coalesce(sum(s) ${window}, 0) AS s FROM (${group})`;
  };
  const rate = smoothed(field, { n: 'coalesce(k.n, 0)', s: 'coalesce(k.s, 0)' }, { n: 'a.n', s: 'a.s' });
  return `SELECT r.row, ${rate} AS rate FROM rated AS r JOIN (${sums('')}) AS a ON a.time = r.time
    LEFT JOIN (${sums('key, ')}) AS k ON k.key = r.key AND k.time = r.time WHERE r.split = 0`;
}

/** The same, from the rows of the other folds. A row's fold follows from its number in the source. */
function otherFolds(field: RateField, all: { n: number; s: number }, origin: 'earlier' | { folds: number }): string {
  const folds = typeof origin === 'object' ? origin.folds : 0;
  const fold = `md5_number_upper('rates:' || row) % ${folds}`;
  const rows = `SELECT row, key, y, ${fold} AS fold FROM rated WHERE split = 0`;
  const counts = (by: string): string =>
    `SELECT ${by}, count(y) AS n, coalesce(sum(y), 0) AS s FROM rows GROUP BY ${by}`;
  const without = (whole: string, part: string): string => `coalesce(${whole}, 0) - coalesce(${part}, 0)`;
  const rate = smoothed(
    field,
    { n: without('k.n', 'own.n'), s: without('k.s', 'own.s') },
    { n: without(String(all.n), 'f.n'), s: without(String(all.s), 'f.s') },
  );
  return `WITH rows AS (${rows}) SELECT r.row, ${rate} AS rate FROM rows AS r JOIN (${counts('fold')}) AS f ON f.fold = r.fold
    LEFT JOIN known AS k ON k.key = r.key LEFT JOIN (${counts('key, fold')}) AS own ON own.key = r.key AND own.fold = r.fold`;
}

/** SQL of a rate's id in rows to be scored, and the join that it needs. `ids`: SQL of the ids of all fields that rows bring, by name. */
export function scoredRate(
  fields: readonly PreparedField[],
  { name, rates }: PreparedField,
  ids: ReadonlyMap<string, string>,
  file: string,
): { id: string; join: string } {
  if (rates === undefined) throw new Error(`${name} is no rate`);
  const key = rateKeySql(
    ratedFields(fields, rates),
    rates.of.map((of) => ids.get(of) as string),
  );
  const table = `rates_${name}`;
  return {
    id: `coalesce(${table}.id, ${rates.unknown})`,
    join: ` LEFT JOIN read_parquet(${filePath(file)}) AS ${table} ON ${table}.key = (${key})`,
  };
}
