/**
 * Which planted effects a trained model uses, and where: in each cell, its logits are regressed on the four planted
 * effects. The coefficients stand next to the planted strengths. A model that has learned to leave a noise flow out has
 * a coefficient near 0 there, by whichever way through the network it got it; so this holds for every model, also for
 * those whose gates have no unique meaning.
 */
import { mean } from '../../base/numbers.ts';
import { FLOWS } from './planted.ts';
import type { Encounter, World } from './world.ts';

export interface RecoveredFlow {
  flow: number;
  noise: boolean;
  planted: number;
  /** Change of the logit per standard deviation of the effect. NaN where the rows do not determine it. */
  recovered: number;
}

export interface Recovery {
  cells: { scenario: string; task: string; rows: number; flows: RecoveredFlow[] }[];
  /** Mean absolute coefficient over the flows that are noise, and over those that are not. */
  noise: number;
  informative: number;
  /** Share of pairs (a noise flow, an informative one) in which the informative coefficient is the larger; ties half. */
  separation: number;
}

export interface RecoveryAccumulator {
  /** logits [T] of one row. */
  add(encounter: Encounter, logits: ArrayLike<number>): void;
  finish(): Recovery;
}

const UNKNOWNS = FLOWS.length + 1;

/** Takes logits row by row; memory does not grow with the rows. */
export function recoverStrengths(world: World): RecoveryAccumulator {
  const { scenarios, tasks, strength, noise } = world.planted;
  // Least squares of one cell: sums of x x' (and of x y as the last column), x = [1, effects].
  const systems = scenarios.map(() =>
    tasks.map(() => Array.from({ length: UNKNOWNS }, () => new Float64Array(UNKNOWNS + 1))),
  );
  const rows = scenarios.map(() => 0);
  return {
    add(encounter, logits) {
      rows[encounter.scenario]++;
      world.effects(encounter).forEach((effects, t) => {
        const x = [1, ...effects, logits[t]];
        systems[encounter.scenario][t].forEach((line, i) => {
          for (let j = 0; j <= UNKNOWNS; j++) line[j] += x[i] * x[j];
        });
      });
    },
    finish() {
      const cells = scenarios.flatMap((scenario, s) =>
        tasks.map((task, t) => {
          const [, ...recovered] = solve(systems[s][t].map((line) => Float64Array.from(line)));
          const flows = FLOWS.map(({ flow }, k) => ({
            flow,
            noise: noise[s][t][k],
            planted: strength[s][t][k],
            recovered: recovered[k],
          }));
          return { scenario, task, rows: rows[s], flows };
        }),
      );
      return { cells, ...compare(cells.flatMap((c) => c.flows)) };
    },
  };
}

function compare(flows: RecoveredFlow[]): Pick<Recovery, 'noise' | 'informative' | 'separation'> {
  const sizes = (wanted: (flow: RecoveredFlow) => boolean): number[] =>
    flows.filter(wanted).map((f) => Math.abs(f.recovered));
  const noise = sizes((f) => f.noise);
  const informative = sizes((f) => f.planted > 0);
  const pairs = informative.flatMap((high) => noise.map((low) => (high > low ? 1 : high === low ? 0.5 : 0)));
  return { noise: mean(noise), informative: mean(informative), separation: mean(pairs) };
}

/** Solves [A | b] by elimination with pivoting; NaN everywhere where A is singular. */
function solve(system: Float64Array[]): number[] {
  const n = system.length;
  const scale = Math.max(...system.map((line, i) => Math.abs(line[i])));
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++) if (Math.abs(system[i][column]) > Math.abs(system[pivot][column])) pivot = i;
    [system[column], system[pivot]] = [system[pivot], system[column]];
    if (!(Math.abs(system[column][column]) > 1e-9 * scale)) return system.map(() => Number.NaN);
    for (let i = 0; i < n; i++) {
      if (i === column) continue;
      const factor = system[i][column] / system[column][column];
      for (let j = column; j <= n; j++) system[i][j] -= factor * system[column][j];
    }
  }
  return system.map((line, i) => line[n] / line[i]);
}
