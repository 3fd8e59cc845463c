/** Writing the parts of a data set: the rows encoded once, in the order of the parts, then each part as Parquet. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { sha256File } from '../../base/hash.ts';
import { type DatasetConfig, rateFields, type SplitName } from '../../config/dataset.ts';
import type { PreparedSequences } from '../encode/ids.ts';
import type { Values } from '../expressions/check.ts';
import { fieldColumn, labelColumn, sequenceColumn } from '../prepared/columns.ts';
import type { Manifest } from '../prepared/prepared.ts';
import { SPLITS } from '../prepared/prepared.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { filePath, identifier, literal } from '../sql/text.ts';
import { type EncodedField, encodedFields } from './row-values.ts';
import {
  createSequences,
  describeSequences,
  type EncodedSequences,
  encodedSequences,
  encodeGiven,
} from './sequences.ts';
import { encodedColumns, hashSize } from './vocabulary.ts';

/** Writes `<split>.parquet` for each part into `folder`. Throws DATA_PART_EMPTY where no row is for training. */
export async function writeParts(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  folder: string,
): Promise<Manifest['splits']> {
  const { columns, from } = await createEncoded(connection, config, values);
  const parts: Partial<Manifest['splits']> = {};
  for (const [s, split] of SPLITS.entries()) {
    const file = `${split}.parquet`;
    const path = join(folder, file);
    await copyTo(connection, `SELECT ${columns.join(', ')} FROM ${from} WHERE split = ${s}`, path);
    const count = `SELECT count(*) AS rows FROM read_parquet(${filePath(path)})`;
    const rows = Number((await queryOne(connection, count, `writing ${file}`)).rows);
    if (split === 'train' && rows === 0) throw error('DATA_PART_EMPTY', { part: split });
    parts[split] = { rows, file, sha256: await sha256File(path) };
  }
  return parts as Record<SplitName, Manifest['splits'][SplitName]>;
}

/** Mappings joined in one query: every join carries the columns of all, so their cost grows with the square. */
const FIELDS_AT_A_TIME = 8;

interface Encoded {
  /** Columns of a part. */
  columns: string[];
  /** What stands after FROM for the encoded rows, with their `split`, in the order of the parts. */
  from: string;
}

/** Creates the tables `encoded0 encoded1 ...`: the same rows in the same order, each with some of the columns. */
async function createEncoded(connection: DuckDBConnection, config: DatasetConfig, values: Values): Promise<Encoded> {
  const columns: string[] = [];
  const tables: string[] = [];
  const create = async (added: { name: string; sql: string }[], joins: string): Promise<void> => {
    const select = added.map(({ name, sql }) => `${sql} AS ${identifier(name)}`);
    if (tables.length === 0) select.push('split');
    const table = `encoded${tables.length}`;
    await execute(
      connection,
      `CREATE TEMP TABLE ${table} AS SELECT ${select.join(', ')} FROM placed${joins} ORDER BY split, position`,
      'encoding the rows',
    );
    tables.push(table);
    columns.push(...added.map(({ name }) => identifier(name)));
  };
  const fields = encodedFields(config, values);
  for (let from = 0; from < fields.length; from += FIELDS_AT_A_TIME) {
    const some = fields.slice(from, from + FIELDS_AT_A_TIME);
    const { ids, joins } = encodedColumns(some);
    await create(
      ids.map((sql, i) => ({ name: fieldColumn(some[i].field.name), sql })),
      joins,
    );
  }
  const rates = rateFields(config.fields);
  for (let from = 0; from < rates.length; from += FIELDS_AT_A_TIME) {
    const some = rates.slice(from, from + FIELDS_AT_A_TIME);
    await create(
      some.map(({ field, index }) => ({ name: fieldColumn(field.name), sql: `rate${index}.id` })),
      some.map(({ index }) => ` JOIN rate_ids${index} AS rate${index} ON rate${index}.row = placed.row`).join(''),
    );
  }
  const others = [
    { name: 'scenario', sql: 'scenario' },
    ...config.tasks.map(({ name }, i) => ({ name: labelColumn(name), sql: `l${i}::FLOAT` })),
  ];
  if (config.weight !== undefined) others.push({ name: 'weight', sql: 'weight::FLOAT' });
  if (config.group !== undefined) others.push({ name: 'group', sql: 'coalesce(g.number, -1)' });
  const groups = config.group === undefined ? '' : await createGroups(connection);
  await create(others, groups);
  const described = describeSequences(config);
  if (described !== undefined) {
    const { ids, join } = await encodeSequences(connection, described, fields);
    await create(
      described.types.map((type, k) => ({ name: sequenceColumn(type), sql: ids[k] })),
      join,
    );
  }
  return { columns, from: tables.join(' POSITIONAL JOIN ') };
}

/** Builds the sequences from earlier rows, or encodes the lists that rows bring. */
async function encodeSequences(
  connection: DuckDBConnection,
  described: PreparedSequences,
  fields: EncodedField[],
): Promise<EncodedSequences> {
  const item = fields.find(({ field }) => field.name === described.itemField) as EncodedField; // as configurations are checked
  if (described.from === 'given lists') {
    const hash = hashSize(item.field);
    return encodeGiven(
      connection,
      described,
      hash === undefined ? { vocabulary: `vocabulary${item.index}` } : { hash },
    );
  }
  const { ids, joins } = encodedColumns([item]);
  await createSequences(connection, described, { id: ids[0], joins });
  return encodedSequences(described);
}

/** Numbers the groups by first appearance; returns the join that brings the number to a row. */
async function createGroups(connection: DuckDBConnection): Promise<string> {
  await execute(
    connection,
    `CREATE TEMP TABLE groups AS SELECT group_key AS key, (row_number() OVER (ORDER BY min(place)) - 1)::INTEGER AS number
     FROM rows WHERE group_key IS NOT NULL GROUP BY group_key`,
    'numbering the groups',
  );
  return ' LEFT JOIN groups AS g ON group_key = g.key';
}

/** Writes the rows of a query as Parquet. The lowest level makes files as small as the usual one in half the time. */
export const copyTo = (connection: DuckDBConnection, sql: string, path: string): Promise<void> =>
  execute(
    connection,
    `COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
    `writing ${path}`,
  );
