/** Labels and sample weights. */
import { labelAdvice } from '../expressions/advice.ts';
import { checkedValue } from '../expressions/check.ts';
import { taskUse } from '../expressions/places.ts';
import { query } from '../sql/duckdb.ts';
import type { Check } from './check.ts';
import type { Context } from './context.ts';
import type { Problem } from './finding.ts';
import { percent } from './finding.ts';
import { VIEW } from './view.ts';

export const labels: Check = {
  name: 'labels',
  pass: ({ config }) => `${config.tasks.map((t) => t.name).join(', ')}: 0, 1 or missing in every row`,
  async run(context) {
    const problems: Problem[] = [];
    for (const [t, { name, label }] of context.config.tasks.entries()) {
      const { invalid, missing } = context.labels[t];
      const { rows } = context;
      if (invalid > 0) problems.push(await invalidLabel(context, t, invalid));
      if (missing === rows)
        problems.push({ level: 'fail', message: `task "${name}": ${label} is missing in every row` });
      else if (missing > rows / 2)
        problems.push({
          level: 'warn',
          message: `task "${name}": no label in ${percent(missing / rows)} of the rows; they do not count for it`,
          count: missing,
          of: rows,
        });
    }
    return problems;
  },
};

/** Says which values are no labels, and how to make labels of them. */
async function invalidLabel(context: Context, t: number, invalid: number): Promise<Problem> {
  const { connection, config, rows } = context;
  const task = config.tasks[t];
  const { type } = checkedValue(context.values, taskUse(task));
  const found = await query(
    connection,
    `SELECT t${t} AS value, l${t} = -1 AS invalid, count(*) AS n FROM ${VIEW} WHERE t${t} IS NOT NULL
     GROUP BY ALL ORDER BY n DESC, value LIMIT 1000`,
    'looking at the labels',
  );
  const values = found.map(({ value }) => String(value));
  const such = found.filter((row) => row.invalid === true).map(({ value }) => String(value));
  const shown = such.slice(0, 3).map((value) => (/^[\d.eE+-]+$/.test(value) ? value : JSON.stringify(value)));
  const more = such.length > shown.length ? ' ...' : '';
  const advice = await labelAdvice(context, task.label, type, values);
  return {
    level: 'fail',
    message: `task "${task.name}": ${task.label} gives ${shown.join(', ')}${more}, which is none of 0, 1, true, false. ${advice}`,
    count: invalid,
    of: rows,
  };
}

export const weights: Check = {
  name: 'weights',
  pass: ({ config }) => (config.weight === undefined ? 'no sample weights' : 'every weight is a number above 0'),
  run: ({ config, weightInvalid, rows }) =>
    weightInvalid === 0
      ? []
      : [
          {
            level: 'fail',
            message: `${config.weight} must give a number above 0 (1.2e-38 to 3.4e38) in every row`,
            count: weightInvalid,
            of: rows,
          },
        ],
};
