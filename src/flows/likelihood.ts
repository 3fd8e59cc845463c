/**
 * Stage 2: the marginal likelihood of the terms, given how strongly each flow reaches each cell.
 *
 *   y ~ N(0, K + H Sigma_j H),   Sigma_j = sum_k tau2_jk (w_k w_k') o P_k
 *   P1 = J x J,  P2 = D_S x D_T,  P3 = J x D_T,  P4 = D_S x J     (Kronecker; D_n = (I - J/n) n/(n-1))
 */
import { cholesky, invertLower } from './numeric/matrix.ts';
import type { Term } from './terms.ts';

export const FLOWS = 4;

/** [4] of [C,C]: which cells go together in each flow. A flow of which there is none (one scenario, one task) is all 0. */
export function patternsOf(S: number, T: number): Float64Array[] {
  const same = (): number => 1;
  const differ = (n: number) => (i: number, j: number) => (((i === j ? 1 : 0) - 1 / n) * n) / Math.max(n - 1, 1);
  const kron = (a: (i: number, j: number) => number, b: (i: number, j: number) => number): Float64Array => {
    const C = S * T;
    const out = new Float64Array(C * C);
    for (let i = 0; i < C; i++)
      for (let j = 0; j < C; j++) out[i * C + j] = a(Math.floor(i / T), Math.floor(j / T)) * b(i % T, j % T);
    return out;
  };
  return [kron(same, same), kron(differ(S), differ(T)), kron(same, differ(T)), kron(differ(S), same)];
}

/** Strengths and variances: what the likelihood is a function of. */
export interface Parameters {
  /** [J, 4] variance that a field brings to a flow. */
  tau2: Float64Array;
  /** [4, C] strength of a flow in a cell. */
  W: Float64Array;
}

export interface LikelihoodGradient {
  tau2: Float64Array;
  W: Float64Array;
}

/** [4] of [C,C]: (w_k w_k') o P_k */
function weighted(W: Float64Array, patterns: readonly Float64Array[], C: number): Float64Array[] {
  return patterns.map((pattern, k) => {
    const out = new Float64Array(C * C);
    for (let i = 0; i < C; i++)
      for (let j = 0; j < C; j++) out[i * C + j] = W[k * C + i] * W[k * C + j] * pattern[i * C + j];
    return out;
  });
}

/** Negative log marginal likelihood without its constant; writes the gradient where one is given. */
export function negativeLogLikelihood(
  terms: readonly Term[],
  patterns: readonly Float64Array[],
  { tau2, W }: Parameters,
  gradient?: LikelihoodGradient,
): number {
  const C = Math.sqrt(patterns[0].length);
  const base = weighted(W, patterns, C);
  gradient?.tau2.fill(0);
  gradient?.W.fill(0);
  const D = new Float64Array(C * C);
  let sum = 0;
  for (const [j, term] of terms.entries()) {
    const own = tau2.subarray(j * FLOWS, (j + 1) * FLOWS);
    sum += termLikelihood(term, C, mixture(base, own), gradient && D);
    if (gradient === undefined) continue;
    for (let k = 0; k < FLOWS; k++) {
      let inner = 0;
      for (let i = 0; i < C * C; i++) inner += D[i] * base[k][i];
      gradient.tau2[j * FLOWS + k] = inner;
      if (own[k] === 0) continue;
      for (let i = 0; i < C; i++) {
        let slope = 0;
        for (let l = 0; l < C; l++) slope += D[i * C + l] * patterns[k][i * C + l] * W[k * C + l];
        gradient.W[k * C + i] += 2 * own[k] * slope;
      }
    }
  }
  return sum;
}

function mixture(base: readonly Float64Array[], tau2: Float64Array): Float64Array {
  const out = new Float64Array(base[0].length);
  for (let k = 0; k < FLOWS; k++)
    if (tau2[k] !== 0) for (let i = 0; i < out.length; i++) out[i] += tau2[k] * base[k][i];
  return out;
}

/** [C,C] Sigma of a field with these variances [4]. */
export const covarianceOf = (
  tau2: Float64Array,
  W: Float64Array,
  patterns: readonly Float64Array[],
  C: number,
): Float64Array => mixture(weighted(W, patterns, C), tau2);

/** Writes the lower triangle of K + H Sigma H of one row of a term. */
export function rowCovariance({ H, K }: Term, m: number, sigma: Float64Array, C: number, out: Float64Array): void {
  for (let i = 0; i < C; i++) {
    const hi = H === undefined ? 1 : H[m * C + i];
    for (let j = 0; j <= i; j++)
      out[i * C + j] = K[(m * C + i) * C + j] + hi * sigma[i * C + j] * (H === undefined ? 1 : H[m * C + j]);
  }
}

/** The term's part; D becomes its derivative with respect to Sigma [C,C]. */
function termLikelihood(term: Term, C: number, sigma: Float64Array, D: Float64Array | undefined): number {
  const { rows, y, H } = term;
  D?.fill(0);
  const A = new Float64Array(C * C);
  const inverse = new Float64Array(C * C);
  const a = new Float64Array(C);
  let sum = 0;
  for (let m = 0; m < rows; m++) {
    rowCovariance(term, m, sigma, C, A);
    if (!cholesky(A, C)) return Number.POSITIVE_INFINITY;
    invertLower(A, C, inverse);
    // a = A^-1 y, by L^-1 y first: its square is y' A^-1 y.
    a.fill(0);
    for (let i = 0; i < C; i++) {
      let z = 0;
      for (let j = 0; j <= i; j++) z += inverse[i * C + j] * y[m * C + j];
      sum += Math.log(A[i * C + i]) + 0.5 * z * z;
      for (let j = 0; j <= i; j++) a[j] += inverse[i * C + j] * z;
    }
    if (D !== undefined) addDerivative(D, inverse, a, H?.subarray(m * C, (m + 1) * C), C);
  }
  return sum;
}

/** D += (H A^-1 H - (H a)(H a)') / 2 */
function addDerivative(
  D: Float64Array,
  inverse: Float64Array,
  a: Float64Array,
  H: Float64Array | undefined,
  C: number,
): void {
  for (let i = 0; i < C; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < C; k++) sum += inverse[k * C + i] * inverse[k * C + j];
      const value = 0.5 * (sum - a[i] * a[j]) * (H === undefined ? 1 : H[i] * H[j]);
      D[i * C + j] += value;
      if (i !== j) D[j * C + i] += value;
    }
}
