/** The split: does every part get rows, and is a time a time? */
import { TributaryError } from '../../base/errors/index.ts';
import { checkedValue } from '../expressions/check.ts';
import { splitKey } from '../prepare/row-values.ts';
import { SPLITS } from '../prepared/prepared.ts';
import { rowColumn } from '../sources/joined.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { isTextTime, type TextTimes } from '../sql/times.ts';
import type { Check } from './check.ts';
import type { Context } from './context.ts';
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
    `SELECT part, count(*) AS rows FROM (SELECT ${splitKey(config, values)} AS part FROM ${context.from()}) GROUP BY part`,
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
  const { sql, type } = checkedValue(values, 'split');
  const texts = isTextTime(type) ? await readTexts(context, column) : undefined;
  if (texts !== undefined && 'level' in texts) return [texts];
  const time = texts?.value.sql ?? sql;
  // A plain scan comes in file order by itself; joins may mix the rows up.
  const inFileOrder = config.joins.length === 0 ? '' : `ORDER BY ${rowColumn(sources)}`;
  const relation = context.from({ rowNumbers: config.joins.length > 0 });
  const found = await queryOne(
    connection,
    `SELECT count(*) FILTER (t IS NULL) AS missing, count(*) FILTER (t < before) AS back,
       approx_count_distinct(t) AS times, min(t)::VARCHAR AS first,
       quantile_disc(t, ${ratios[0]})::VARCHAR AS validation, max(t)::VARCHAR AS last
     FROM (SELECT ${time} AS t, lag(${time}) OVER (${inFileOrder}) AS before FROM ${relation})`,
    'looking at the times',
  );
  const problems: Problem[] = [];
  const [missing, back] = [Number(found.missing), Number(found.back)];
  if (missing > 0)
    problems.push({
      level: missing === rows ? 'fail' : 'warn',
      message: `no time (${column}) in ${percent(missing / rows)} of the rows; they are left out`,
      count: missing,
      of: rows,
    });
  if (missing === rows) return problems;
  if (texts !== undefined && texts.withOffset > 0 && texts.withoutOffset > 0)
    problems.push({
      level: 'warn',
      message: `some times of ${column} say their offset from UTC and others do not: these are read as UTC`,
      count: texts.withoutOffset,
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

/** What times written as texts say, or why they say nothing certain. */
async function readTexts({ textTimes }: Context, column: string): Promise<TextTimes | Problem> {
  try {
    return await textTimes({ usedBy: 'split', expression: column });
  } catch (cause) {
    if (cause instanceof TributaryError && cause.code === 'DATA_TIME_TEXT')
      return { level: 'fail', message: cause.message };
    throw cause;
  }
}
