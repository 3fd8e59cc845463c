/** Joins: do they multiply rows, do they find what they look for? */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { identifier, queryOne } from '../duckdb.ts';
import { describe, joinedRelation, type Source, viewOf } from '../sources.ts';
import { number, type Problem, percent } from './finding.ts';

/** Looks at every join: one scan of the joined source and one of the rows before it. */
export async function checkJoins(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [i, join] of config.joins.entries()) {
    const doing = `checking the join with source "${join.source}"`;
    const right = Object.values(join.on).map(identifier);
    const duplicated = await queryOne(
      connection,
      `SELECT count(*) AS keys, coalesce(sum(n), 0) AS rows FROM (SELECT count(*) AS n FROM ${viewOf(join.source)}
       WHERE ${right.map((k) => `${k} IS NOT NULL`).join(' AND ')} GROUP BY ${right.join(', ')} HAVING count(*) > 1)`,
      doing,
    );
    if (Number(duplicated.keys) > 0)
      problems.push({
        level: 'fail',
        message: `${Object.values(join.on).join(', ')} must be unique in source "${join.source}": ${number(Number(duplicated.keys))} values occur more than once and would multiply rows`,
        count: Number(duplicated.rows),
        of: sources.find((s) => s.name === join.source)?.rows,
      });
    problems.push(...(await checkMatches(connection, { ...config, joins: config.joins.slice(0, i) }, join, sources)));
  }
  return problems;
}

async function checkMatches(
  connection: DuckDBConnection,
  before: DatasetConfig,
  join: DatasetConfig['joins'][number],
  sources: Source[],
): Promise<Problem[]> {
  const doing = `checking the join with source "${join.source}"`;
  const left = joinedRelation(before, sources);
  const types = await describe(connection, `SELECT * FROM ${left}`, doing);
  const pairs = Object.entries(join.on).map(([to, from], i) => ({
    left: `${identifier(to)} AS k${i}`,
    // Compared as joinedRelation does: in the type of the left side.
    right: `TRY_CAST(${identifier(from)} AS ${types.find((c) => c.name.toLowerCase() === to.toLowerCase())?.type ?? 'VARCHAR'}) AS k${i}`,
    key: `k${i}`,
  }));
  const keys = pairs.map((p) => p.key).join(', ');
  const found = await queryOne(
    connection,
    `SELECT count(*) AS rows, count(*) FILTER (matched IS NULL) AS lost
     FROM (SELECT ${pairs.map((p) => p.left).join(', ')} FROM ${left}) AS l
     LEFT JOIN (SELECT DISTINCT ${pairs.map((p) => p.right).join(', ')}, true AS matched FROM ${viewOf(join.source)}) AS r
     USING (${keys})`,
    doing,
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
