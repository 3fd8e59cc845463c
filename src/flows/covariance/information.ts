/**
 * Fisher's information of the marginal likelihood: how sharply rows fix variances and strengths, whatever they turn out to be. Close to
 * the maximum the second derivatives are near to it, so it tells how far to step.
 *
 *   F_ab = sum over rows of tr(P dSigma/da P dSigma/db) / 2,   P = H (K + H Sigma H)^-1 H
 */
import type { Term } from '../terms.ts';
import { DenseLikelihood } from './dense.ts';
import { applyPattern, type Cells, FLOWS } from './structure.ts';

/**
 * Rows of a term that are read, spread over all of them: the direction of a step need not be exact. Fewer where there are many cells, as
 * the time of a row grows with their cube.
 */
const rowsFor = (C: number): number => Math.round(Math.min(Math.max(200_000 / C ** 3, 4), 64));

/** Where the information goes: the lower triangle of `out` [n, n]. */
export interface Into {
  out: Float64Array;
  n: number;
  /** [4] place of each variance of the term, ascending; -1 for one that does not move. */
  variances: readonly number[];
  /** Place of the first strength of [4, C], after all variances; undefined where they do not move. */
  strengths?: number | undefined;
}

/** Adds the information of a term. */
export function addInformation(term: Term, cells: Cells, own: Float64Array, W: Float64Array, into: Into): void {
  const C = cells.scenarios * cells.tasks;
  const likelihood = new DenseLikelihood(term, cells, own, W);
  const used = [0, 1, 2, 3].filter((k) => into.variances[k] >= 0 && own[k] !== 0);
  const P = new Float64Array(C * C);
  const products = Array.from({ length: FLOWS }, () => new Float64Array(C * C));
  const rows = Math.min(term.rows, rowsFor(C));
  const weight = term.rows / rows;
  for (let i = 0; i < rows; i++) {
    if (likelihood.factor(Math.floor((i + 0.5) * weight)) === undefined) continue;
    likelihood.precision(P);
    for (const k of used) multiply(P, W.subarray(k * C, (k + 1) * C), k, cells, products[k]);
    for (const k of used)
      for (const l of used) {
        const pair = { k, l, weight, cells, own, W, products };
        if (l <= k) addVariances(into, pair);
        if (into.strengths === undefined) continue;
        addMixed(into, into.strengths, pair);
        if (l <= k) addStrengths(into, into.strengths, pair, P);
      }
  }
}

/** [i, c] P q_c with q_c = (row c of the pattern) o w: Sigma's derivative by w_c is tau2 (e_c q_c' + q_c e_c'). */
function multiply(P: Float64Array, w: Float64Array, flow: number, cells: Cells, into: Float64Array): void {
  const C = w.length;
  for (let i = 0; i < C; i++) {
    const row = into.subarray(i * C, (i + 1) * C);
    for (let c = 0; c < C; c++) row[c] = P[i * C + c] * w[c];
    applyPattern(flow, cells, row);
  }
}

interface Pair {
  k: number;
  l: number;
  weight: number;
  cells: Cells;
  own: Float64Array;
  W: Float64Array;
  products: readonly Float64Array[];
}

/** Two variances: Sigma's derivative is M = (w w') o pattern, and P M = (P q_c) w_c by columns. */
function addVariances({ out, n, variances }: Into, { k, l, weight, cells, W, products }: Pair): void {
  const C = cells.scenarios * cells.tasks;
  let sum = 0;
  for (let i = 0; i < C; i++)
    for (let j = 0; j < C; j++) sum += products[k][i * C + j] * W[k * C + j] * products[l][j * C + i] * W[l * C + i];
  out[variances[k] * n + variances[l]] += 0.5 * weight * sum;
}

/** A variance and a strength. */
function addMixed({ out, n, variances }: Into, first: number, { k, l, weight, cells, own, W, products }: Pair): void {
  const C = cells.scenarios * cells.tasks;
  for (let c = 0; c < C; c++) {
    let sum = 0;
    for (let i = 0; i < C; i++) sum += products[l][i * C + c] * W[k * C + i] * products[k][c * C + i];
    out[(first + l * C + c) * n + variances[k]] += weight * own[l] * sum;
  }
}

/** Two strengths. */
function addStrengths(
  { out, n }: Into,
  first: number,
  { k, l, weight, cells, own, W, products }: Pair,
  P: Float64Array,
): void {
  const C = cells.scenarios * cells.tasks;
  const scale = weight * own[k] * own[l];
  const inner = new Float64Array(C); // q_kc' P q_ld of all c
  for (let d = 0; d < C; d++) {
    for (let i = 0; i < C; i++) inner[i] = W[k * C + i] * products[l][i * C + d];
    applyPattern(k, cells, inner);
    for (let c = k === l ? d : 0; c < C; c++) {
      const value = products[k][d * C + c] * products[l][c * C + d] + P[c * C + d] * inner[c];
      out[(first + k * C + c) * n + first + l * C + d] += scale * value;
    }
  }
}
