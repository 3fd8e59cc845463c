/** How tables are joined to the rows: by a column that both have, that is unique in the table and finds its rows. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { joinKeySql } from '../sources/join-keys.ts';
import { viewOf } from '../sources/source.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { identifier, sameName } from '../sql/text.ts';
import type { ColumnProfile, SourceProfile } from './profile.ts';

type Join = NonNullable<DatasetInput['joins']>[number];

interface Pair {
  left: ColumnProfile;
  right: ColumnProfile;
}

/**
 * Joins each source by a column that it shares with the base.
 *
 * @throws INIT_NO_JOIN, INIT_JOIN_DUPLICATES
 */
export async function proposeJoins(
  connection: DuckDBConnection,
  base: SourceProfile,
  others: SourceProfile[],
): Promise<{ joins: Join[]; reasons: string[] }> {
  const joins: Join[] = [];
  const reasons: string[] = [];
  for (const other of others) {
    const { left, right, found } = await findPair(connection, base, other);
    joins.push({ source: other.name, on: { [left.name]: right.name }, kind: 'left' });
    const share = found < 1 ? `, ${(100 * found).toFixed(1)} % of the rows find theirs` : '';
    reasons.push(`${right.name} is unique in ${other.name}${share}`);
  }
  return { joins, reasons };
}

async function findPair(
  connection: DuckDBConnection,
  base: SourceProfile,
  other: SourceProfile,
): Promise<Pair & { found: number }> {
  const pairs = sharedColumns(base, other);
  const unique: (Pair & { found: number })[] = [];
  for (const pair of pairs)
    if (await isUnique(connection, pair)) unique.push({ ...pair, found: await shareFound(connection, pair) });
  const [best] = unique.filter(({ found }) => found > 0).sort((a, b) => b.found - a.found);
  if (best !== undefined) return best;
  const file = [other.config.path].flat().join(', ');
  const repeated = unique.length > 0 ? undefined : pairs.at(0);
  if (repeated !== undefined)
    throw error('INIT_JOIN_DUPLICATES', {
      file,
      base: base.name,
      column: repeated.right.name,
      ...(await duplicatesOf(connection, repeated)),
    });
  throw error('INIT_NO_JOIN', {
    file,
    base: [base.config.path].flat().join(', '),
    columns: other.columns.map((c) => c.name),
    available: base.columns.map((c) => c.name),
    shared: unique.map(({ right }) => right.name),
  });
}

function sharedColumns(base: SourceProfile, other: SourceProfile): Pair[] {
  return other.columns.flatMap((right) => {
    const names = [right.name, ...(sameName(right.name, 'id') ? idNames(other.name) : [])];
    return base.columns
      .filter((left) => names.some((name) => sameName(name, left.name)) && !left.type.endsWith('[]'))
      .map((left) => ({ left, right }));
  });
}

/** What another table may call the id of this one: users.id is user_id elsewhere. */
const idNames = (source: string): string[] => [`${source}_id`, `${source.replace(/s$/, '')}_id`];

/** The right key in the type of the left one, as the join will compare them. */
const keyOf = ({ left, right }: Pair): string => joinKeySql(right.name, right.type, left.type);

async function isUnique(connection: DuckDBConnection, pair: Pair): Promise<boolean> {
  const key = keyOf(pair);
  const { n, d } = await queryOne(
    connection,
    `SELECT count(${key}) AS n, count(DISTINCT ${key}) AS d FROM ${viewOf(pair.right.source)}`,
    `looking at source "${pair.right.source}"`,
  );
  return Number(n) > 0 && n === d;
}

/** Share of the base's rows that find a row of the table. */
async function shareFound(connection: DuckDBConnection, pair: Pair): Promise<number> {
  const { rows, found } = await queryOne(
    connection,
    `SELECT count(*) AS rows, count(r.key) AS found FROM (SELECT ${identifier(pair.left.name)} AS key FROM ${viewOf(pair.left.source)}) AS l
     LEFT JOIN (SELECT ${keyOf(pair)} AS key FROM ${viewOf(pair.right.source)}) AS r USING (key)`,
    `looking at source "${pair.right.source}"`,
  );
  return Number(found) / Number(rows);
}

/** How many values of a key occur more than once, and the most frequent of them. */
async function duplicatesOf(
  connection: DuckDBConnection,
  pair: Pair,
): Promise<{ values: number; examples: { value: string; rows: number }[] }> {
  const key = keyOf(pair);
  const found = await query(
    connection,
    `SELECT value::VARCHAR AS value, n, count(*) OVER () AS values FROM (
       SELECT ${key} AS value, count(*) AS n FROM ${viewOf(pair.right.source)} WHERE ${key} IS NOT NULL
       GROUP BY value HAVING count(*) > 1)
     ORDER BY n DESC, value LIMIT 3`,
    `looking at source "${pair.right.source}"`,
  );
  return {
    values: Number(found[0]?.values ?? 0),
    examples: found.map(({ value, n }) => ({ value: String(value), rows: Number(n) })),
  };
}
