/** Joins: do they multiply rows, do they find what they look for? */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { duplicateKeys } from '../sources/duplicate-keys.ts';
import { type JoinKey, joinKeys } from '../sources/join-keys.ts';
import { joinedRelation } from '../sources/joined.ts';
import { type Source, viewOf } from '../sources/source.ts';
import { queryOne } from '../sql/duckdb.ts';
import { identifier } from '../sql/text.ts';
import { number, type Problem, percent } from './finding.ts';

/** Looks at every join: one scan of the joined source and one of the rows before it. */
export async function checkJoins(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [i, join] of config.joins.entries()) {
    const of = sources.find((s) => s.name === join.source)?.rows;
    const duplicated = await duplicateKeys(connection, config, sources, i);
    if (duplicated !== undefined)
      problems.push({
        level: 'fail',
        message: `${duplicated.key} must be unique in source "${join.source}": ${number(duplicated.duplicated)} values, such as ${duplicated.value}, occur more than once and would multiply rows`,
        count: duplicated.duplicateRows,
        of,
      });
    for (const key of joinKeys(config, sources, i)) problems.push(...(await checkTypes(connection, join, key, of)));
    const before = { ...config, joins: config.joins.slice(0, i) };
    problems.push(...(await checkMatches(connection, before, join, joinKeys(config, sources, i), sources)));
  }
  return problems;
}

type Join = DatasetConfig['joins'][number];

/** Keys of the joined source that are no value of the left side's type. */
async function checkTypes(
  connection: DuckDBConnection,
  { source }: Join,
  { left, right, wanted, found, sql }: JoinKey,
  of: number | undefined,
): Promise<Problem[]> {
  if (wanted === found) return [];
  const key = identifier(right);
  const lost = await queryOne(
    connection,
    `SELECT count(*) AS keys, min(${key}::VARCHAR) AS example FROM ${viewOf(source)} WHERE ${key} IS NOT NULL AND ${sql} IS NULL`,
    `checking the join with source "${source}"`,
  );
  if (Number(lost.keys) === 0) return [];
  const message = `${right} of source "${source}" is ${found}, ${left} is ${wanted}: keys such as ${JSON.stringify(lost.example)} are not the same in both types, so they match no row`;
  return [{ level: 'warn', message, count: Number(lost.keys), of }];
}

async function checkMatches(
  connection: DuckDBConnection,
  before: DatasetConfig,
  join: Join,
  keys: JoinKey[],
  sources: Source[],
): Promise<Problem[]> {
  const left = keys.map((key, i) => `${identifier(key.left)} AS k${i}`);
  const right = keys.map(({ sql }, i) => `${sql} AS k${i}`);
  const found = await queryOne(
    connection,
    `SELECT count(*) AS rows, count(*) FILTER (matched IS NULL) AS lost
     FROM (SELECT ${left.join(', ')} FROM ${joinedRelation(before, sources)}) AS l
     LEFT JOIN (SELECT DISTINCT ${right.join(', ')}, true AS matched FROM ${viewOf(join.source)}) AS r
     USING (${keys.map((_, i) => `k${i}`).join(', ')})`,
    `checking the join with source "${join.source}"`,
  );
  const [rows, lost] = [Number(found.rows), Number(found.lost)];
  if (lost === 0) return [];
  const key = Object.keys(join.on).join(', ');
  const consequence = join.kind === 'inner' ? 'these rows are left out' : 'its columns are empty there';
  return [
    {
      level: lost === rows ? 'fail' : 'warn',
      message: `${lost === rows ? 'no row finds' : `${percent(lost / rows)} of the rows do not find`} their ${key} in source "${join.source}": ${consequence}`,
      count: lost,
      of: rows,
    },
  ];
}
