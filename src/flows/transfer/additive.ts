/**
 * Additive rankers from the effects of fields in each cell (stage 1). They differ only in what a cell takes from other cells:
 *
 *   single      y_c ~ N(0, K_cc + tau2_jc H_c^2): the cell's own rows alone, a variance for each field and cell
 *   everything  the covariance of stage 2 with all strengths 1: every flow reaches every cell alike
 *   selective   the same with the strengths that were found
 *   sources     y_c and y_d have the same effect, for a cell d of the same task in one other scenario
 *
 * A score is the sum over fields of the posterior mean of the level's effect.
 */

import { LOW, maximiseVariances } from '../covariance/fit.ts';
import type { Parameters } from '../covariance/likelihood.ts';
import { type Cells, FLOWS } from '../covariance/structure.ts';
import type { Effects } from '../effects/effects.ts';
import type { FlowRows } from '../rows.ts';
import { flowScores, type LearnedFlows, learnedFlows } from '../scores.ts';
import type { Term } from '../terms.ts';
import { mayFeed, type Verdicts } from '../verdict.ts';
import { ownEffects, pairEffects } from './effects-of-cells.ts';

/** Of more scenarios, single sources are not measured: the matrix would not be read. */
export const MOST_SOURCES = 16;

/** [N, T] each. */
export interface AdditiveScores {
  single: Float64Array;
  everything: Float64Array;
  selective: Float64Array;
  /** The n-th learns each scenario s from its own rows and those of scenario (s + n + 1) mod S; none of a single scenario. */
  sources: Float64Array[];
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
    single: score(ownEffects(effects, terms, cells)),
    everything: score(fitted(ones)),
    selective: score(fitted(W, tau2)),
    sources: Array.from({ length: S > MOST_SOURCES ? 0 : S - 1 }, (_, n) =>
      score(pairEffects(effects, terms, cells, n + 1)),
    ),
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
