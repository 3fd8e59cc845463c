/** Scenarios and the cells scenario x task: are they there, and can an AUC be measured in them? */
import { query } from '../sql/duckdb.ts';
import { type Check, scenarioName } from './check.ts';
import type { Context } from './context.ts';
import { number, type Problem, percent } from './finding.ts';
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
      if (labelled === 0) return { level: 'fail', message: `${name}: no labels`, about };
      if (positives > 0 && positives < labelled) return undefined;
      const what = positives === 0 ? 'positives' : 'negatives';
      return { level: 'fail', message: `${name}: no ${what} among ${number(labelled)} rows, so no AUC`, about };
    }),
};

export const cellSizes: Check = {
  name: 'cell-sizes',
  pass: () => `the test part of every cell tells AUC to ±${LARGEST_ERROR} (one standard error, at AUC ${ASSUMED_AUC})`,
  run(context) {
    const { split } = context.config;
    const testShare = split.kind === 'column' ? 0.1 : split.ratios[2];
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

/** Standard error of an AUC over given numbers of positives and negatives (Hanley and McNeil 1982). */
export function aucError(positives: number, negatives: number, auc = ASSUMED_AUC): number {
  const [p, n] = [Math.max(positives, 1), Math.max(negatives, 1)];
  const twoPositives = auc / (2 - auc);
  const twoNegatives = (2 * auc * auc) / (1 + auc);
  const variance = auc * (1 - auc) + (p - 1) * (twoPositives - auc * auc) + (n - 1) * (twoNegatives - auc * auc);
  return Math.sqrt(variance / (p * n));
}
