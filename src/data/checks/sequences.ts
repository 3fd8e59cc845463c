/** Behaviour sequences: can they be built, and will they have items? */
import { TributaryError } from '../../base/errors/index.ts';
import { builtOf } from '../../config/dataset/sequences.ts';
import { checkedValue } from '../expressions/check.ts';
import { SEQUENCE_TIME } from '../expressions/places.ts';
import { describeSequences, sequenceInputs } from '../prepare/sequences.ts';
import { queryOne } from '../sql/duckdb.ts';
import { isTextTime } from '../sql/times.ts';
import type { Check } from './check.ts';
import type { Context } from './context.ts';
import { number, type Problem } from './finding.ts';

type Built = NonNullable<ReturnType<typeof builtOf>>;

export const sequences: Check = {
  name: 'sequences',
  pass({ config }) {
    const described = describeSequences(config);
    if (described === undefined) return 'no sequences';
    const { types, length, from } = described;
    const last = `up to ${length} items of field "${described.itemField}" each`;
    return `${types.join(', ')}: ${last}, ${from === 'given lists' ? 'of the lists that rows bring' : `of ${from}`}`;
  },
  async run(context) {
    const { sequences } = context.config;
    if (sequences === undefined) return [];
    const built = builtOf(sequences);
    try {
      const inputs = sequenceInputs(context.config, context.values);
      if (built === undefined) return emptyLists(context, sequences.given ?? {}, inputs);
      const { type } = checkedValue(context.values, SEQUENCE_TIME);
      if (isTextTime(type)) await context.textTimes({ usedBy: SEQUENCE_TIME, expression: built.time });
    } catch (cause) {
      if (cause instanceof TributaryError) return [{ level: 'fail', message: cause.message }];
      throw cause;
    }
    return findProblems(context, built);
  },
};

/** Types without any item in the lists that rows bring. */
async function emptyLists(
  { connection, from }: Context,
  given: Record<string, string>,
  inputs: string[],
): Promise<Problem[]> {
  const names = Object.keys(given);
  const counts = names.map((_, k) => `count(*) FILTER (len(g${k}) > 0) AS n${k}`).join(', ');
  const found = await queryOne(
    connection,
    `SELECT ${counts} FROM (SELECT ${inputs.join(', ')} FROM ${from()})`,
    'looking at the sequences',
  );
  return names
    .filter((_, k) => Number(found[`n${k}`]) === 0)
    .map((type) => ({ level: 'warn', message: `no row brings items of type "${type}" (${given[type]})` }));
}

async function findProblems(context: Context, sequences: Built): Promise<Problem[]> {
  const { connection, config, values, rows } = context;
  const names = Object.keys(sequences.types);
  const counts = [
    'count(*) FILTER (sequence_key IS NULL OR sequence_time IS NULL) AS missing',
    'approx_count_distinct(sequence_key) AS keys',
    ...names.map((_, k) => `count(*) FILTER (s${k}) AS n${k}`),
  ];
  const inputs = `SELECT ${sequenceInputs(config, values).join(', ')} FROM ${context.from()}`;
  const found = await queryOne(connection, `SELECT ${counts.join(', ')} FROM (${inputs})`, 'looking at the sequences');
  const warn = (message: string, count?: number): Problem => ({
    level: 'warn',
    message,
    ...(count !== undefined && { count, of: rows }),
  });
  const problems = names
    .filter((_, k) => Number(found[`n${k}`]) === 0)
    .map((type) => warn(`no row counts for type "${type}" (${sequences.types[type]}): its sequences are empty`));
  const { missing, keys } = found;
  if (Number(missing) > 0)
    problems.push(warn('rows without a key or a time have empty sequences and feed none', Number(missing)));
  // The sketch is good to a quarter or so: a sure count only where it matters.
  if (rows >= 100 && Number(keys) > 0.6 * rows) {
    const exact = await queryOne(
      connection,
      `SELECT count(DISTINCT sequence_key) AS keys FROM (${inputs})`,
      'counting keys',
    );
    if (Number(exact.keys) >= 0.9 * rows)
      problems.push(
        warn(`${number(Number(exact.keys))} keys in ${number(rows)} rows: hardly any row has an earlier one`),
      );
  }
  if (config.split.kind === 'time' && describeSequences(config)?.from === 'train rows')
    problems.push(
      warn(
        `the split goes by ${config.split.column}, the sequences by ${sequences.time}: only training rows feed them. Write the two alike if they mean the same`,
      ),
    );
  if (config.split.kind === 'key' && config.split.column.trim() === sequences.key.trim())
    problems.push(
      warn(
        'the split keeps the rows of a key together and only training rows feed sequences: those of validation and test are empty',
      ),
    );
  return problems;
}
