/** Labels and sample weights. */
import type { Check } from './context.ts';
import type { Problem } from './finding.ts';
import { percent } from './finding.ts';

export const labels: Check = {
  name: 'labels',
  pass: ({ config }) => `${config.tasks.map((t) => t.name).join(', ')}: 0, 1 or missing in every row`,
  run: ({ config, labels, rows }) =>
    config.tasks.flatMap(({ name, label }, t): Problem[] => {
      const { invalid, missing, example } = labels[t];
      const problems: Problem[] = [];
      if (invalid > 0)
        problems.push({
          level: 'fail',
          message: `task "${name}": ${label} gives ${example}, which is none of 0, 1, true, false. Make it a comparison, such as "${label.replaceAll('"', '')} > 0"`,
          count: invalid,
          of: rows,
        });
      if (missing === rows)
        problems.push({ level: 'fail', message: `task "${name}": ${label} is missing in every row` });
      else if (missing > rows / 2)
        problems.push({
          level: 'warn',
          message: `task "${name}": no label in ${percent(missing / rows)} of the rows; they do not count for it`,
          count: missing,
          of: rows,
        });
      return problems;
    }),
};

export const weights: Check = {
  name: 'weights',
  pass: ({ config }) => (config.weight === undefined ? 'no sample weights' : 'every weight is a number above 0'),
  run: ({ config, weightInvalid, rows }) =>
    weightInvalid === 0
      ? []
      : [{ level: 'fail', message: `${config.weight} must give a number above 0`, count: weightInvalid, of: rows }],
};
