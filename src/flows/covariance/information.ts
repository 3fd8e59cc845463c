/**
 * Fisher's information of the marginal likelihood: how sharply rows fix variances and strengths, whatever they turn out to be. Close to
 * the maximum the second derivatives are near to it, so it tells how far to step.
 *
 *   F_ab = sum over rows of tr(P dSigma/da P dSigma/db) / 2,   P = H (K + H Sigma H)^-1 H
 */
import type { Term } from '../terms.ts';
import { DenseLikelihood } from './dense.ts';
import { type Cells, FLOWS, patternsOf } from './structure.ts';

/**
 * Rows of a term that are read, spread over all of them: the direction of a step need not be exact. Fewer where there are many cells, as
 * the time of a row grows with their cube.
 */
const rowsFor = (C: number): number => Math.round(Math.min(Math.max(200_000 / C ** 3, 8), 64));

/** [4 + 4 C, 4 + 4 C] of a term: first by its variances [4], then by the strengths [4, C]. 0 for flows whose variance is 0. */
export function informationOf(
  term: Term,
  cells: Cells,
  own: Float64Array,
  W: Float64Array,
  most = rowsFor(cells.scenarios * cells.tasks),
): Float64Array {
  const C = cells.scenarios * cells.tasks;
  const size = FLOWS + FLOWS * C;
  const out = new Float64Array(size * size);
  const likelihood = new DenseLikelihood(term, cells, own, W);
  const patterns = patternsOf(cells.scenarios, cells.tasks);
  const used = [0, 1, 2, 3].filter((k) => own[k] !== 0);
  const P = new Float64Array(C * C);
  const products = patterns.map(() => new Float64Array(C * C));
  const rows = Math.min(term.rows, most);
  const weight = term.rows / rows;
  for (let i = 0; i < rows; i++) {
    if (likelihood.factor(Math.floor((i + 0.5) * weight)) === undefined) continue;
    likelihood.precision(P);
    for (const k of used) multiply(P, patterns[k], W.subarray(k * C, (k + 1) * C), products[k], C);
    for (const k of used)
      for (const l of used) {
        if (l > k) continue;
        addVariances(out, { k, l, weight, size, C, W, products });
        addStrengths(out, { k, l, weight, size, C, P, own, W, patterns, products });
      }
    for (const k of used) for (const l of used) addMixed(out, { k, l, weight, size, C, own, W, products });
  }
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) out[j * size + i] = out[i * size + j];
  return out;
}

/** [i, c] P q_c with q_c = (row c of the pattern) o w: Sigma's derivative by w_c is tau2 (e_c q_c' + q_c e_c'). */
function multiply(P: Float64Array, pattern: Float64Array, w: Float64Array, into: Float64Array, C: number): void {
  for (let i = 0; i < C; i++)
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let j = 0; j < C; j++) sum += P[i * C + j] * pattern[c * C + j] * w[j];
      into[i * C + c] = sum;
    }
}

interface Pair {
  k: number;
  l: number;
  weight: number;
  size: number;
  C: number;
  W: Float64Array;
  products: readonly Float64Array[];
}

/** Two variances: Sigma's derivative is M = (w w') o pattern, and P M = (P q_c) w_c by columns. */
function addVariances(out: Float64Array, { k, l, weight, size, C, W, products }: Pair): void {
  let sum = 0;
  for (let i = 0; i < C; i++)
    for (let j = 0; j < C; j++) sum += products[k][i * C + j] * W[k * C + j] * products[l][j * C + i] * W[l * C + i];
  out[k * size + l] += 0.5 * weight * sum;
}

/** A variance and a strength. */
function addMixed(out: Float64Array, { k, l, weight, size, C, own, W, products }: Pair & { own: Float64Array }): void {
  for (let c = 0; c < C; c++) {
    let sum = 0;
    for (let i = 0; i < C; i++) sum += products[l][i * C + c] * W[k * C + i] * products[k][c * C + i];
    out[(FLOWS + l * C + c) * size + k] += weight * own[l] * sum;
  }
}

/** Two strengths. */
function addStrengths(
  out: Float64Array,
  {
    k,
    l,
    weight,
    size,
    C,
    P,
    own,
    W,
    patterns,
    products,
  }: Pair & { P: Float64Array; own: Float64Array; patterns: readonly Float64Array[] },
): void {
  const scale = weight * own[k] * own[l];
  for (let c = 0; c < C; c++)
    for (let d = 0; d < (k === l ? c + 1 : C); d++) {
      let inner = 0; // q_kc' P q_ld
      for (let i = 0; i < C; i++) inner += patterns[k][c * C + i] * W[k * C + i] * products[l][i * C + d];
      const value = products[k][d * C + c] * products[l][c * C + d] + P[c * C + d] * inner;
      out[(FLOWS + k * C + c) * size + FLOWS + l * C + d] += scale * value;
    }
}
