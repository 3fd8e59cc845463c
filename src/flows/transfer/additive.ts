/**
 * Three additive rankers from the effects of fields in each cell (stage 1). They differ only in what a cell takes from other cells:
 *
 *   single      y_c ~ N(0, K_cc + tau2_jc H_c^2): the cell's own rows alone, a variance for each field and cell
 *   everything  the covariance of stage 2 with all strengths 1: every flow reaches every cell alike
 *   selective   the same with the strengths that were found
 *
 * A score is the sum over fields of the posterior mean of the level's effect.
 */

import { LOW, maximiseVariances } from '../covariance/fit.ts';
import type { Parameters } from '../covariance/likelihood.ts';
import { type Cells, FLOWS } from '../covariance/structure.ts';
import type { Effects } from '../effects/effects.ts';
import type { FlowRows } from '../rows.ts';
import { flowScores, type LearnedFlows, learnedFlows, levelEffects } from '../scores.ts';
import type { Term } from '../terms.ts';
import { mayFeed, type Verdicts } from '../verdict.ts';

/** [N, T] each. */
export interface AdditiveScores {
  single: Float64Array;
  everything: Float64Array;
  selective: Float64Array;
}

/** Learns the rankers and scores other rows, each in its own scenario. */
export function additiveScores(
  effects: Effects,
  terms: readonly Term[],
  { W, tau2 }: Verdicts,
  { scenarios: S, tasks: T }: Cells,
  others: FlowRows,
): AdditiveScores {
  const C = S * T;
  const cells = { scenarios: S, tasks: T };
  const active = mayFeed(terms, cells);
  // With all fields, as a cell alone has them: those that the verdicts leave out add little, but they add.
  const fitted = (strengths: Float64Array, start?: Float64Array): LearnedFlows => {
    const from = start?.map((value) => Math.max(value, LOW));
    const fit = maximiseVariances(terms, cells, {
      W: strengths,
      tau2: from,
      active,
      maxIterations: 300,
    });
    return summed(learnedFlows(effects, terms, { ...fit, W: strengths, reads: active }, S, T), strengths);
  };
  const ones = new Float64Array(FLOWS * C).fill(1);
  const score = (learned: LearnedFlows): Float64Array => flowScores(learned, others, 1);
  return {
    single: score(ownEffects(effects, terms, C, T)),
    everything: score(fitted(ones)),
    selective: score(fitted(W, tau2)),
  };
}

/** The flows of each cell, times their strengths there, added up. */
function summed({ fields, cells: C }: LearnedFlows, W: Parameters['W']): LearnedFlows {
  return {
    cells: C,
    fields: fields.map(({ block, effects }) => {
      const sum = new Float64Array(block.levels * C);
      for (const [k, effect] of effects.entries())
        if (effect !== undefined) for (let i = 0; i < sum.length; i++) sum[i] += W[k * C + (i % C)] * effect[i];
      return { block, effects: [sum] };
    }),
  };
}

/** What each cell learns from its own rows. */
function ownEffects({ fields }: Effects, terms: readonly Term[], C: number, T: number): LearnedFlows {
  return {
    cells: C,
    fields: fields.map((field, j) => ({
      block: field.block,
      effects: [levelEffects(field, terms[j], ownPosterior(terms[j], C, T), C)],
    })),
  };
}

/** [M, C] tau2 H y / (K + tau2 H^2) */
function ownPosterior(term: Term, C: number, T: number): Float64Array {
  const out = new Float64Array(term.rows * C);
  for (let c = 0; c < C; c++) {
    const { y, h, error } = columnOf(term, c, C, T);
    const tau2 = ownVariance(y, h, error);
    for (let m = 0; m < term.rows; m++) out[m * C + c] = (tau2 * h[m] * y[m]) / (error[m] + tau2 * h[m] * h[m]);
  }
  return out;
}

const columnOf = (
  { rows, y, H, K }: Term,
  c: number,
  C: number,
  T: number,
): { y: Float64Array; h: Float64Array; error: Float64Array } => ({
  y: Float64Array.from({ length: rows }, (_, m) => y[m * C + c]),
  h: Float64Array.from({ length: rows }, (_, m) => H?.[m * C + c] ?? 1),
  error: Float64Array.from({ length: rows }, (_, m) => K[(m * C + c) * T + (c % T)]),
});

/** Bounds of log tau2, and points of the grid between them. */
const LOWEST = Math.log(1e-6);
const HIGHEST = Math.log(25);
const GRID = 40;

/** Variance of greatest marginal likelihood: the best point of a grid, then between its neighbours by golden section. */
function ownVariance(y: Float64Array, h: Float64Array, error: Float64Array): number {
  const value = (logarithm: number): number => {
    const tau2 = Math.exp(logarithm);
    let sum = 0;
    for (let m = 0; m < y.length; m++) {
      const variance = error[m] + tau2 * h[m] * h[m];
      sum += Math.log(variance) + (y[m] * y[m]) / variance;
    }
    return sum;
  };
  const step = (HIGHEST - LOWEST) / GRID;
  let best = 0;
  for (let i = 1; i <= GRID; i++) if (value(LOWEST + i * step) < value(LOWEST + best * step)) best = i;
  let low = LOWEST + Math.max(best - 1, 0) * step;
  let high = LOWEST + Math.min(best + 1, GRID) * step;
  const ratio = (Math.sqrt(5) - 1) / 2;
  while (high - low > 1e-3) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (value(a) < value(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}
