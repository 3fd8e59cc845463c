/**
 * Stage 2: the marginal likelihood of the terms, given how strongly each flow reaches each cell.
 *
 *   y ~ N(0, K + H Sigma_j H),   Sigma_j = sum_k tau2_jk (w_k w_k') o P_k
 *   P1 = J x J,  P2 = D_S x D_T,  P3 = J x D_T,  P4 = D_S x J     (Kronecker; D_n = (I - J/n) n/(n-1))
 *
 * K has blocks of the tasks of one scenario, and so has H Sigma H but for a few columns (structure.ts): time and memory grow with the
 * number of scenarios, not with its cube.
 */
import { LowRank } from './numeric/low-rank.ts';
import { type Cells, columnsOf, type FlowColumn, scenarioPatterns } from './structure.ts';
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
  /** 0 where the variance is 0: it is held there. */
  tau2: Float64Array;
  W: Float64Array;
}

/** Negative log marginal likelihood without its constant; writes the gradient where one is given. */
export function negativeLogLikelihood(
  terms: readonly Term[],
  cells: Cells,
  { tau2, W }: Parameters,
  gradient?: LikelihoodGradient,
): number {
  const { scenarios: S, tasks: T } = cells;
  const C = S * T;
  const columns = columnsOf(cells, W);
  const patterns = scenarioPatterns(cells);
  gradient?.tau2.fill(0);
  gradient?.W.fill(0);
  let sum = 0;
  for (const [j, term] of terms.entries()) {
    const own = tau2.subarray(j * FLOWS, (j + 1) * FLOWS);
    const used = columns.filter(({ flow }) => own[flow] !== 0);
    const solver = new LowRank(S, T, used.length);
    const derivative = gradient && new Derivative(cells, used.length);
    const blocks = blocksOfSigma(cells, own, W, patterns);
    for (let m = 0; m < term.rows; m++) {
      const value = factorRow(term, m, blocks, used, own, solver);
      if (value === undefined) return Number.POSITIVE_INFINITY;
      sum += value;
      derivative?.add(term.H?.subarray(m * C, (m + 1) * C), solver);
    }
    if (gradient && derivative) {
      const into = { tau2: gradient.tau2.subarray(j * FLOWS, (j + 1) * FLOWS), W: gradient.W };
      derivative.chain({ used, patterns, own, W }, into);
    }
  }
  return sum;
}

/** [S, T, T] the part of Sigma that lies in blocks of a scenario's tasks. */
function blocksOfSigma(
  { scenarios: S, tasks: T }: Cells,
  own: Float64Array,
  W: Float64Array,
  patterns: readonly (Float64Array | undefined)[],
): Float64Array {
  const out = new Float64Array(S * T * T);
  for (const [k, pattern] of patterns.entries()) {
    if (pattern === undefined || own[k] === 0) continue;
    const w = W.subarray(k * S * T, (k + 1) * S * T);
    for (let s = 0; s < S; s++)
      for (let t = 0; t < T; t++)
        for (let u = 0; u < T; u++)
          out[(s * T + t) * T + u] += own[k] * pattern[t * T + u] * w[s * T + t] * w[s * T + u];
  }
  return out;
}

/** Solves K + H Sigma H of one row; its part of the negative log likelihood, undefined where it is not positive definite. */
function factorRow(
  { y, H, K }: Term,
  m: number,
  blocks: Float64Array,
  used: readonly FlowColumn[],
  own: Float64Array,
  solver: LowRank,
): number | undefined {
  const { S, T } = solver;
  const C = S * T;
  const { B, U, M } = solver;
  for (let c = 0; c < C; c++) {
    const first = c - (c % T);
    for (let u = 0; u < T; u++) {
      const sigma = blocks[c * T + u];
      B[c * T + u] = K[(m * C + c) * T + u] + (H === undefined ? sigma : sigma * H[m * C + c] * H[m * C + first + u]);
    }
  }
  for (let q = 0; q < used.length; q++) {
    const { u, flow, scale } = used[q];
    M[q] = scale * own[flow];
    for (let c = 0; c < C; c++) U[q * C + c] = H === undefined ? u[c] : H[m * C + c] * u[c];
  }
  return solver.factor(y.subarray(m * C, (m + 1) * C)) ? 0.5 * (solver.logDeterminant + solver.quadratic) : undefined;
}

/** [M, C] H (K + H Sigma H)^-1 y of a term: what the posterior means are sums of. */
export function weightedScores(term: Term, cells: Cells, own: Float64Array, W: Float64Array): Float64Array {
  const C = cells.scenarios * cells.tasks;
  const used = columnsOf(cells, W).filter(({ flow }) => own[flow] !== 0);
  const solver = new LowRank(cells.scenarios, cells.tasks, used.length);
  const blocks = blocksOfSigma(cells, own, W, scenarioPatterns(cells));
  const out = new Float64Array(term.rows * C);
  for (let m = 0; m < term.rows; m++) {
    if (factorRow(term, m, blocks, used, own, solver) === undefined) continue;
    for (let c = 0; c < C; c++) out[m * C + c] = (term.H === undefined ? 1 : term.H[m * C + c]) * solver.a[c];
  }
  return out;
}

/** The derivative D = sum over rows of (H A^-1 H - (H a)(H a)') / 2 with respect to Sigma, as far as Sigma's structure needs it. */
class Derivative {
  /** [r, C] D u */
  readonly #along: Float64Array;
  /** [S, T, T] */
  readonly #blocks: Float64Array;
  readonly #inverse: Float64Array;
  readonly #cells: Cells;

  constructor(cells: Cells, r: number) {
    const { scenarios: S, tasks: T } = cells;
    this.#cells = cells;
    this.#inverse = new Float64Array(S * T * T);
    this.#along = new Float64Array(r * S * T);
    this.#blocks = new Float64Array(S * T * T);
  }

  add(H: Float64Array | undefined, solver: LowRank): void {
    const { scenarios: S, tasks: T } = this.#cells;
    const C = S * T;
    const { a, U, Z, r } = solver;
    const along = this.#along;
    for (let q = 0; q < r; q++) {
      let inner = 0;
      for (let c = 0; c < C; c++) inner += a[c] * U[q * C + c];
      for (let c = 0; c < C; c++)
        along[q * C + c] += 0.5 * (Z[q * C + c] - a[c] * inner) * (H === undefined ? 1 : H[c]);
    }
    const blocks = this.#blocks;
    const inverse = this.#inverse;
    solver.inverseBlocks(inverse);
    for (let i = 0; i < C; i++) {
      const first = i - (i % T);
      for (let u = 0; u < T; u++) {
        const value = 0.5 * (inverse[i * T + u] - a[i] * a[first + u]);
        blocks[i * T + u] += H === undefined ? value : value * H[i] * H[first + u];
      }
    }
  }

  /** Adds the gradient of a field's variances [4] and of the strengths [4, C]. */
  chain(
    {
      used,
      patterns,
      own,
      W,
    }: {
      used: readonly FlowColumn[];
      patterns: readonly (Float64Array | undefined)[];
      own: Float64Array;
      W: Float64Array;
    },
    into: LikelihoodGradient,
  ): void {
    const { scenarios: S, tasks: T } = this.#cells;
    const C = S * T;
    for (const [q, { flow, scale, u, e }] of used.entries())
      for (let c = 0; c < C; c++) {
        const slope = scale * this.#along[q * C + c];
        into.tau2[flow] += slope * u[c];
        into.W[flow * C + c] += 2 * own[flow] * slope * e[c];
      }
    for (const [k, pattern] of patterns.entries()) {
      if (pattern === undefined || own[k] === 0) continue;
      for (let c = 0; c < C; c++) {
        let slope = 0;
        for (let u = 0; u < T; u++)
          slope += this.#blocks[c * T + u] * pattern[(c % T) * T + u] * W[k * C + c - (c % T) + u];
        into.tau2[k] += slope * W[k * C + c];
        into.W[k * C + c] += 2 * own[k] * slope;
      }
    }
  }
}
