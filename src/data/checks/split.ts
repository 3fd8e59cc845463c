/** The split: does every part get rows, and is a time a time? */
import { query, queryOne } from '../duckdb.ts';
import { checkedValue } from '../expressions.ts';
import { conditions, splitKey } from '../rows.ts';
import { joinedRelation, rowColumn } from '../sources.ts';
import { SPLITS } from '../split.ts';
import type { Check, Context } from './context.ts';
import { number, type Problem, percent } from './finding.ts';

export const split: Check = {
  name: 'split',
  pass: ({ config }) => `train, validation and test have rows (by ${describeSplit(config.split)})`,
  run(context) {
    const { split } = context.config;
    if (split.kind === 'time') return checkTimes(context);
    if (split.kind !== 'random') return checkParts(context);
    const sizes = [0, 1, 2].map((part) => Math.round(context.rows * split.ratios[part]));
    return emptyParts(sizes);
  },
};

const describeSplit = (split: Context['config']['split']): string =>
  split.kind === 'random' ? `chance, seed ${split.seed}` : `${split.kind} ${split.column}`;

const emptyParts = (sizes: number[]): Problem[] =>
  SPLITS.flatMap((part, i): Problem[] =>
    sizes[i] > 0 ? [] : [{ level: 'fail', message: `the split leaves no rows for ${part}` }],
  );

async function checkParts(context: Context): Promise<Problem[]> {
  const { connection, config, values, rows } = context;
  const found = await query(
    connection,
    // A source may have a column called `part`: the grouping must not see it.
    `SELECT part, count(*) AS rows FROM (SELECT ${splitKey(config, values)} AS part FROM ${from(context)}) GROUP BY part`,
    'looking at the split',
  );
  const size = (part: number): number => Number(found.find((r) => Number(r.part) === part)?.rows ?? 0);
  const problems = emptyParts([0, 1, 2].map(size));
  if (size(-1) > 0 && config.split.kind === 'column') {
    const { column, train, validation, test } = config.split;
    const message = `${column} must be one of "${train}", "${validation}", "${test}"`;
    problems.push({ level: 'fail', message, count: size(-1), of: rows });
  }
  return problems;
}

async function checkTimes(context: Context): Promise<Problem[]> {
  const { connection, config, sources, values, rows } = context;
  if (config.split.kind !== 'time') return [];
  const { column, ratios } = config.split;
  const { sql: time, type } = checkedValue(values, 'split');
  const isText = type === 'VARCHAR';
  // A plain scan comes in file order by itself; joins may mix the rows up.
  const inFileOrder = config.joins.length === 0 ? '' : `ORDER BY ${rowColumn(sources)}`;
  const relation = from(context, { rowNumbers: config.joins.length > 0 });
  const unreadable = isText ? `count(*) FILTER (TRY_CAST(t AS TIMESTAMP) IS NULL AND t IS NOT NULL)` : '0';
  const found = await queryOne(
    connection,
    `SELECT count(*) FILTER (t IS NULL) AS missing, ${unreadable} AS unreadable, count(*) FILTER (t < before) AS back,
       approx_count_distinct(t) AS times, min(t)::VARCHAR AS first,
       quantile_disc(t, ${ratios[0]})::VARCHAR AS validation, max(t)::VARCHAR AS last
     FROM (SELECT ${time} AS t, lag(${time}) OVER (${inFileOrder}) AS before FROM ${relation})`,
    'looking at the times',
  );
  const problems: Problem[] = [];
  const [missing, bad, back] = [Number(found.missing), Number(found.unreadable), Number(found.back)];
  if (missing > 0)
    problems.push({ level: 'fail', message: `no time (${column}) in some rows`, count: missing, of: rows });
  if (bad > 0)
    problems.push({
      level: 'warn',
      message: `${column} is a text and not always a time that can be read (YYYY-MM-DD hh:mm:ss): texts are put in order letter by letter`,
      count: bad,
      of: rows,
    });
  if (found.first === found.last && rows > 0)
    problems.push({ level: 'fail', message: `${column} is ${found.first} in every row, so it splits nothing` });
  else if (found.validation === found.last && ratios[0] < 1)
    problems.push({
      level: 'fail',
      message: `too many rows have the last time (${column} = ${found.last}): rows of one time stay together, so none are left for the test`,
    });
  else if (Number(found.times) < 10)
    problems.push({
      level: 'warn',
      message: `${column} has about ${number(Number(found.times))} different values; rows of one time stay together, so the parts may be far from their shares`,
    });
  if (back > 0)
    problems.push({
      level: 'warn',
      message: `the rows are not in the order of ${column} (${percent(back / rows)} step back): the split goes by the times all the same, but within a part rows stay in file order`,
      count: back,
      of: rows,
    });
  return problems;
}

const from = ({ config, sources, values }: Context, options: { rowNumbers?: boolean } = {}): string =>
  [joinedRelation(config, sources, options), ...conditions(config, values).map((sql) => `WHERE ${sql}`)].join(' ');
