/**
 * Stage 2: the marginal likelihood of the terms, given how strongly each flow reaches each cell.
 *
 *   y ~ N(0, K + H Sigma_j H),   Sigma_j = sum_k tau2_jk (w_k w_k') o P_k
 */
import type { Term } from '../terms.ts';
import { BlockLikelihood } from './blocks.ts';
import { DenseLikelihood } from './dense.ts';
import { type Cells, FLOWS } from './structure.ts';
import type { TermLikelihood } from './term-likelihood.ts';

/** Strengths and variances: what the likelihood is a function of. */
export interface Parameters {
  /** [J, 4] variance that a field brings to a flow. */
  tau2: Float64Array;
  /** [4, C] strength of a flow in a cell. */
  W: Float64Array;
}

export interface LikelihoodGradient {
  /** 0 where the variance is 0: it is held there. */
  tau2: Float64Array;
  W: Float64Array;
}

/** Up to so many cells a matrix is factored as it is: measured to be faster than by blocks. */
const DENSE_CELLS = 16;

const likelihoodOf = (term: Term, cells: Cells, own: Float64Array, W: Float64Array): TermLikelihood =>
  cells.scenarios * cells.tasks <= DENSE_CELLS
    ? new DenseLikelihood(term, cells, own, W)
    : new BlockLikelihood(term, cells, own, W);

/** Negative log marginal likelihood without its constant; writes the gradient where one is given. */
export function negativeLogLikelihood(
  terms: readonly Term[],
  cells: Cells,
  { tau2, W }: Parameters,
  gradient?: LikelihoodGradient,
): number {
  gradient?.tau2.fill(0);
  gradient?.W.fill(0);
  let sum = 0;
  for (const [j, term] of terms.entries()) {
    const own = likelihoodOf(term, cells, tau2.subarray(j * FLOWS, (j + 1) * FLOWS), W);
    for (let m = 0; m < term.rows; m++) {
      const value = own.factor(m);
      if (value === undefined) return Number.POSITIVE_INFINITY;
      sum += value;
      if (gradient !== undefined) own.addDerivative();
    }
    if (gradient !== undefined) own.chain({ tau2: gradient.tau2.subarray(j * FLOWS, (j + 1) * FLOWS), W: gradient.W });
  }
  return sum;
}

/** [M, C] H (K + H Sigma H)^-1 y of a term: what the posterior means are sums of. */
export function weightedScores(term: Term, cells: Cells, own: Float64Array, W: Float64Array): Float64Array {
  const C = cells.scenarios * cells.tasks;
  const likelihood = likelihoodOf(term, cells, own, W);
  const out = new Float64Array(term.rows * C);
  for (let m = 0; m < term.rows; m++) {
    if (likelihood.factor(m) === undefined) continue;
    for (let c = 0; c < C; c++) out[m * C + c] = (term.H === undefined ? 1 : term.H[m * C + c]) * likelihood.a[c];
  }
  return out;
}
