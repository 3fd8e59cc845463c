/** Scenarios and the cells scenario x task: are they there, and can an AUC be measured in them? */
import { query } from '../sql/duckdb.ts';
import { type Check, scenarioName } from './check.ts';
import type { Context } from './context.ts';
import { number, type Problem, percent } from './finding.ts';
import { apartText, aucError, type CellSize, fewText } from './size.ts';
import { VIEW } from './view.ts';

/** A cell is called small where the standard error of its test AUC is above this, for a true AUC of 0.75. */
const LARGEST_ERROR = 0.02;
const ASSUMED_AUC = 0.75;

export const scenarios: Check = {
  name: 'scenarios',
  pass: ({ config }) => `${config.scenario.values.length} scenarios, each with rows, and no other values`,
  async run({ connection, config, scenarios, cells, rows }) {
    const problems: Problem[] = [];
    if (scenarios.unknown > 0) {
      const found = await query(
        connection,
        `SELECT scenario_text AS value FROM ${VIEW} WHERE scenario = -1 GROUP BY ALL ORDER BY count(*) DESC, value LIMIT 5`,
        'looking at the scenarios',
      );
      problems.push({
        level: 'fail',
        message: `unknown scenarios such as ${found.map((r) => JSON.stringify(r.value)).join(', ')}: add them to "scenario.values", or leave the rows out with "where"`,
        count: scenarios.unknown,
        of: rows,
      });
    }
    cells.forEach((cell, s) => {
      if (cell.rows === 0)
        problems.push({
          level: 'fail',
          message: `scenario "${scenarioName(config, s)}" has no rows`,
          about: { scenario: s },
        });
    });
    if (scenarios.missing > 0)
      problems.push({
        level: scenarios.missing === rows ? 'fail' : 'warn',
        message: `no scenario in ${percent(scenarios.missing / rows)} of the rows; they are left out`,
        count: scenarios.missing,
        of: rows,
      });
    return problems;
  },
};

export const cells: Check = {
  name: 'cells',
  pass: () => 'positives and negatives in every scenario x task cell',
  run: (context) =>
    eachCell(context, ({ name, about, labelled, positives }) => {
      if (labelled === 0)
        return isLabelled(context, about?.task)
          ? { level: 'warn', message: `${name}: no labels, so nothing is learned or measured there`, about }
          : { level: 'fail', message: `${name}: no labels`, about };
      if (positives > 0 && positives < labelled) return undefined;
      const what = positives === 0 ? 'positives' : 'negatives';
      return { level: 'fail', message: `${name}: no ${what} among ${number(labelled)} rows, so no AUC`, about };
    }),
};

/** Has the task labels in some scenario? A shop may not sell everywhere. */
const isLabelled = ({ config, cells }: Context, task: string | undefined): boolean => {
  const t = config.tasks.findIndex(({ name }) => name === task);
  return cells.some(({ tasks }) => tasks[t]?.labelled > 0);
};

export const cellSizes: Check = {
  name: 'cell-sizes',
  pass: () => `the test part of every cell tells AUC to ±${LARGEST_ERROR} (one standard error, at AUC ${ASSUMED_AUC})`,
  run(context) {
    const testShare = shares(context)[2];
    return eachCell(context, ({ name, labelled, positives }) => {
      if (positives === 0 || positives === labelled) return undefined;
      const error = aucError(positives * testShare, (labelled - positives) * testShare);
      if (error <= LARGEST_ERROR) return undefined;
      const needed = Math.ceil(labelled * (error / LARGEST_ERROR) ** 2);
      return {
        level: 'warn',
        message: `${name}: about ${number(Math.round(positives * testShare))} positives in ${number(Math.round(labelled * testShare))} test rows tell AUC to ±${error.toFixed(3)} only; ±${LARGEST_ERROR} (one standard error, at AUC ${ASSUMED_AUC}) needs about ${number(needed)} rows in all`,
        count: labelled,
        of: context.rows,
      };
    });
  },
};

export const trainingCells: Check = {
  name: 'training-cells',
  pass: () => 'every cell has enough positives and negatives to train on',
  run: (context) => warning(fewText(sizes(context, shares(context)[0]))),
};

export const validationSize: Check = {
  name: 'validation-size',
  pass: () => 'validation rows tell a mean AUC from one that is 0.01 higher',
  run(context) {
    const share = shares(context)[1];
    return warning(apartText(Math.round(share * context.rows), sizes(context, share)));
  },
};

const warning = (message: string | undefined): Problem[] => (message === undefined ? [] : [{ level: 'warn', message }]);

/** Of rows: those of training, validation and test. A column that names the parts is not counted here. */
const shares = ({ config: { split } }: Context): readonly number[] =>
  split.kind === 'column' ? [0.8, 0.1, 0.1] : split.ratios;

/** The cells in a part that has such a share of the rows. */
const sizes = ({ config, cells }: Context, share: number): CellSize[] =>
  cells.flatMap(({ tasks }, s) =>
    tasks.map(({ labelled, positives }, t) => ({
      scenario: scenarioName(config, s),
      task: config.tasks[t].name,
      positives: share * positives,
      negatives: share * (labelled - positives),
    })),
  );

interface Cell {
  name: string;
  about: Problem['about'];
  labelled: number;
  positives: number;
}

/** Problems of the cells of scenarios that have rows. */
function eachCell({ config, cells }: Context, look: (cell: Cell) => Problem | undefined): Problem[] {
  return cells.flatMap((scenario, s) =>
    scenario.rows === 0
      ? []
      : scenario.tasks.flatMap((cell, t) => {
          const name = `scenario "${scenarioName(config, s)}", task "${config.tasks[t].name}"`;
          return look({ name, about: { scenario: s, task: config.tasks[t].name }, ...cell }) ?? [];
        }),
  );
}
