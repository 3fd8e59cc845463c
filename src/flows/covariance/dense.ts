/** The rows of a term with few cells: each matrix K + H Sigma H [C, C] is factored as it is. */
import type { Term } from '../terms.ts';
import { type Cells, FLOWS, patternsOf } from './structure.ts';
import type { TermGradient, TermLikelihood } from './term-likelihood.ts';

export class DenseLikelihood implements TermLikelihood {
  readonly a: Float64Array;
  readonly #T: number;
  readonly #C: number;
  readonly #term: Term;
  readonly #own: Float64Array;
  readonly #W: Float64Array;
  readonly #patterns: readonly Float64Array[];
  /** [C, C], of which the lower triangle is there, as of all that follow. */
  readonly #sigma: Float64Array;
  /** Cholesky factor, with 1 / its diagonal in place of the diagonal. */
  readonly #L: Float64Array;
  /** The inverse of the factor. */
  readonly #inverse: Float64Array;
  /** Sum over rows of (H A^-1 H - (H a)(H a)') / 2: the derivative with respect to Sigma. */
  readonly #D: Float64Array;
  /** [C] L^-1 y */
  readonly #z: Float64Array;
  /** [C] H of a row, 1 for coarse terms. */
  readonly #h: Float64Array;

  constructor(term: Term, cells: Cells, own: Float64Array, W: Float64Array) {
    const { scenarios: S, tasks: T } = cells;
    const C = S * T;
    this.#T = T;
    this.#C = C;
    this.#term = term;
    this.#own = own;
    this.#W = W;
    this.#patterns = patternsOf(S, T);
    this.a = new Float64Array(C);
    this.#z = new Float64Array(C);
    this.#h = new Float64Array(C).fill(1);
    [this.#sigma, this.#L, this.#inverse, this.#D] = Array.from({ length: 4 }, () => new Float64Array(C * C));
    for (let k = 0; k < FLOWS; k++) {
      if (own[k] === 0) continue;
      for (let i = 0; i < C; i++)
        for (let j = 0; j <= i; j++)
          this.#sigma[i * C + j] += own[k] * this.#patterns[k][i * C + j] * W[k * C + i] * W[k * C + j];
    }
  }

  factor(m: number): number | undefined {
    const { a } = this;
    const C = this.#C;
    const T = this.#T;
    const L = this.#L;
    const z = this.#z;
    const h = this.#h;
    const sigma = this.#sigma;
    const { H, K, y } = this.#term;
    const row = m * C;
    if (H !== undefined) for (let c = 0; c < C; c++) h[c] = H[row + c];
    let logDeterminant = 0;
    let quadratic = 0;
    for (let i = 0; i < C; i++) {
      const first = i - (i % T); // of the scenario: only its cells have errors in common
      const hi = h[i];
      for (let j = 0; j <= i; j++) {
        let value = sigma[i * C + j] * hi * h[j];
        if (j >= first) value += K[(row + i) * T + j - first];
        for (let k = 0; k < j; k++) value -= L[i * C + k] * L[j * C + k];
        if (j < i) L[i * C + j] = value * L[j * C + j];
        else {
          if (!(value > 0)) return undefined;
          logDeterminant += Math.log(value);
          L[i * C + i] = 1 / Math.sqrt(value);
        }
      }
      let value = y[row + i];
      for (let k = 0; k < i; k++) value -= L[i * C + k] * z[k];
      z[i] = value * L[i * C + i];
      quadratic += z[i] * z[i];
    }
    for (let i = C - 1; i >= 0; i--) {
      let value = z[i];
      for (let k = i + 1; k < C; k++) value -= L[k * C + i] * a[k];
      a[i] = value * L[i * C + i];
    }
    return 0.5 * (logDeterminant + quadratic);
  }

  addDerivative(): void {
    const { a } = this;
    const C = this.#C;
    const inverse = this.#inverse;
    const h = this.#h;
    const D = this.#D;
    this.#invert();
    for (let i = 0; i < C; i++) {
      const hi = 0.5 * h[i];
      for (let j = 0; j <= i; j++) {
        let value = -a[i] * a[j];
        for (let k = i; k < C; k++) value += inverse[k * C + i] * inverse[k * C + j];
        D[i * C + j] += value * hi * h[j];
      }
    }
  }

  /** Writes H (K + H Sigma H)^-1 H [C, C] of the row that was factored last. */
  precision(into: Float64Array): void {
    const C = this.#C;
    const inverse = this.#inverse;
    const h = this.#h;
    this.#invert();
    for (let i = 0; i < C; i++)
      for (let j = 0; j <= i; j++) {
        let value = 0;
        for (let k = i; k < C; k++) value += inverse[k * C + i] * inverse[k * C + j];
        into[i * C + j] = value * h[i] * h[j];
        into[j * C + i] = into[i * C + j];
      }
  }

  #invert(): void {
    const C = this.#C;
    const L = this.#L;
    const inverse = this.#inverse;
    for (let j = 0; j < C; j++) {
      inverse[j * C + j] = L[j * C + j];
      for (let i = j + 1; i < C; i++) {
        let value = 0;
        for (let k = j; k < i; k++) value -= L[i * C + k] * inverse[k * C + j];
        inverse[i * C + j] = value * L[i * C + i];
      }
    }
  }

  chain(into: TermGradient): void {
    const C = this.#C;
    const D = this.#D;
    const W = this.#W;
    for (let k = 0; k < FLOWS; k++) {
      if (this.#own[k] === 0) continue;
      const pattern = this.#patterns[k];
      for (let i = 0; i < C; i++) {
        let slope = 0;
        for (let j = 0; j < C; j++) slope += D[i < j ? j * C + i : i * C + j] * pattern[i * C + j] * W[k * C + j];
        into.tau2[k] += slope * W[k * C + i];
        into.W[k * C + i] += 2 * this.#own[k] * slope;
      }
    }
  }
}
