/**
 * The rows of a term with many cells. K has blocks of the tasks of one scenario, and so has H Sigma H but for a few columns
 * (structure.ts): time and memory grow with the number of scenarios, not with its cube.
 */
import type { Term } from '../terms.ts';
import { LowRank } from './low-rank.ts';
import { type Cells, columnsOf, type FlowColumn, scenarioPatterns } from './structure.ts';
import type { TermGradient, TermLikelihood } from './term-likelihood.ts';

export class BlockLikelihood implements TermLikelihood {
  readonly #cells: Cells;
  readonly #term: Term;
  readonly #own: Float64Array;
  readonly #W: Float64Array;
  readonly #used: readonly FlowColumn[];
  readonly #patterns: readonly (Float64Array | undefined)[];
  readonly #solver: LowRank;
  /** [S, T, T] the part of Sigma that lies in blocks of a scenario's tasks. */
  readonly #sigma: Float64Array;
  // The derivative D = sum over rows of (H A^-1 H - (H a)(H a)') / 2 with respect to Sigma, as far as Sigma's structure needs it.
  /** [r, C] D u */
  readonly #along: Float64Array;
  /** [S, T, T] */
  readonly #blocks: Float64Array;
  readonly #inverse: Float64Array;
  #row = 0;

  constructor(term: Term, cells: Cells, own: Float64Array, W: Float64Array) {
    const { scenarios: S, tasks: T } = cells;
    this.#cells = cells;
    this.#term = term;
    this.#own = own;
    this.#W = W;
    this.#used = columnsOf(cells, W).filter(({ flow }) => own[flow] !== 0);
    this.#patterns = scenarioPatterns(cells);
    this.#solver = new LowRank(S, T, this.#used.length);
    this.#sigma = new Float64Array(S * T * T);
    this.#blocks = new Float64Array(S * T * T);
    this.#inverse = new Float64Array(S * T * T);
    this.#along = new Float64Array(this.#used.length * S * T);
    for (const [k, pattern] of this.#patterns.entries()) {
      if (pattern === undefined || own[k] === 0) continue;
      const w = W.subarray(k * S * T, (k + 1) * S * T);
      for (let c = 0; c < S * T; c++)
        for (let u = 0; u < T; u++)
          this.#sigma[c * T + u] += own[k] * pattern[(c % T) * T + u] * w[c] * w[c - (c % T) + u];
    }
  }

  get a(): Float64Array {
    return this.#solver.a;
  }

  factor(m: number): number | undefined {
    this.#row = m;
    const { S, T, B, U, M } = this.#solver;
    const { y, H, K } = this.#term;
    const C = S * T;
    for (let c = 0; c < C; c++) {
      const first = c - (c % T);
      for (let u = 0; u < T; u++) {
        const sigma = this.#sigma[c * T + u];
        B[c * T + u] = K[(m * C + c) * T + u] + (H === undefined ? sigma : sigma * H[m * C + c] * H[m * C + first + u]);
      }
    }
    for (const [q, { u, flow, scale }] of this.#used.entries()) {
      M[q] = scale * this.#own[flow];
      for (let c = 0; c < C; c++) U[q * C + c] = H === undefined ? u[c] : H[m * C + c] * u[c];
    }
    if (!this.#solver.factor(y.subarray(m * C, (m + 1) * C))) return undefined;
    return 0.5 * (this.#solver.logDeterminant + this.#solver.quadratic);
  }

  addDerivative(): void {
    const { scenarios: S, tasks: T } = this.#cells;
    const C = S * T;
    const { a, U, Z, r } = this.#solver;
    const H = this.#term.H?.subarray(this.#row * C, (this.#row + 1) * C);
    const along = this.#along;
    for (let q = 0; q < r; q++) {
      let inner = 0;
      for (let c = 0; c < C; c++) inner += a[c] * U[q * C + c];
      for (let c = 0; c < C; c++)
        along[q * C + c] += 0.5 * (Z[q * C + c] - a[c] * inner) * (H === undefined ? 1 : H[c]);
    }
    const blocks = this.#blocks;
    const inverse = this.#inverse;
    this.#solver.inverseBlocks(inverse);
    for (let i = 0; i < C; i++) {
      const first = i - (i % T);
      for (let u = 0; u < T; u++) {
        const value = 0.5 * (inverse[i * T + u] - a[i] * a[first + u]);
        blocks[i * T + u] += H === undefined ? value : value * H[i] * H[first + u];
      }
    }
  }

  chain(into: TermGradient): void {
    const { scenarios: S, tasks: T } = this.#cells;
    const C = S * T;
    const own = this.#own;
    const W = this.#W;
    for (const [q, { flow, scale, u, e }] of this.#used.entries())
      for (let c = 0; c < C; c++) {
        const slope = scale * this.#along[q * C + c];
        into.tau2[flow] += slope * u[c];
        into.W[flow * C + c] += 2 * own[flow] * slope * e[c];
      }
    for (const [k, pattern] of this.#patterns.entries()) {
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
