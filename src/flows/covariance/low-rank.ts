/**
 * Solves A = B + sum over q of M_q U_q U_q', where B has S blocks of size T on its diagonal and M may have either sign, by the
 * identities of Woodbury and Sylvester: with Y = B^-1 U and N = I + M U' Y,
 *
 *   A^-1 = B^-1 - Y N^-1 M Y',   |A| = |B| |N|
 *
 * The buffers B [S, T, T], U [r, S T] and M [r] are filled before each `factor`.
 */
import { cholesky, invertLower } from '../numeric/matrix.ts';

export class LowRank {
  readonly S: number;
  readonly T: number;
  readonly r: number;
  readonly B: Float64Array;
  readonly U: Float64Array;
  readonly M: Float64Array;
  /** [S T] A^-1 y */
  readonly a: Float64Array;
  /** [r, S T] A^-1 U */
  readonly Z: Float64Array;
  logDeterminant = 0;
  /** y' A^-1 y */
  quadratic = 0;
  readonly #Y: Float64Array;
  /** [S, T, T] B^-1 */
  readonly #inverse: Float64Array;
  readonly #block: Float64Array;
  readonly #lower: Float64Array;
  readonly #N: Float64Array;
  readonly #NInverse: Float64Array;

  constructor(S: number, T: number, r: number) {
    this.S = S;
    this.T = T;
    this.r = r;
    const C = S * T;
    this.B = new Float64Array(C * T);
    this.U = new Float64Array(r * C);
    this.M = new Float64Array(r);
    this.a = new Float64Array(C);
    this.Z = new Float64Array(r * C);
    this.#Y = new Float64Array(r * C);
    this.#inverse = new Float64Array(C * T);
    this.#block = new Float64Array(T * T);
    this.#lower = new Float64Array(T * T);
    this.#N = new Float64Array(r * r);
    this.#NInverse = new Float64Array(r * r);
  }

  /** Works out everything for a right side y [S T]; false where A is not positive definite. */
  factor(y: Float64Array): boolean {
    if (!this.#invertBlocks()) return false;
    const { r, U, M } = this;
    const C = this.S * this.T;
    const { a } = this;
    const N = this.#N;
    const Y = this.#Y;
    this.#solveBlocks(y, 0, a, 0); // B^-1 y
    if (r === 0) {
      this.quadratic = 0;
      for (let c = 0; c < C; c++) this.quadratic += y[c] * a[c];
      return true;
    }
    for (let q = 0; q < r; q++) this.#solveBlocks(U, q * C, Y, q * C);
    for (let q = 0; q < r; q++)
      for (let p = 0; p < r; p++) {
        let sum = 0;
        for (let c = 0; c < C; c++) sum += U[q * C + c] * Y[p * C + c];
        N[q * r + p] = M[q] * sum + (q === p ? 1 : 0);
      }
    const logN = invertGeneral(N, r, this.#NInverse);
    if (logN === undefined) return false;
    this.logDeterminant += logN;
    this.#apply(y);
    return true;
  }

  /** A^-1 y and A^-1 U from those of B. */
  #apply(y: Float64Array): void {
    const { r, U, M, Z, a } = this;
    const C = this.S * this.T;
    const Y = this.#Y;
    const NInverse = this.#NInverse;
    Z.fill(0);
    for (let q = 0; q < r; q++)
      for (let p = 0; p < r; p++) {
        const factor = NInverse[p * r + q];
        for (let c = 0; c < C; c++) Z[q * C + c] += Y[p * C + c] * factor;
      }
    // A^-1 y = b - Z M U' b, with b = B^-1 y
    const inner = Float64Array.from({ length: r }, (_, q) => {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += U[q * C + c] * a[c];
      return M[q] * sum;
    });
    for (let q = 0; q < r; q++) for (let c = 0; c < C; c++) a[c] -= Z[q * C + c] * inner[q];
    this.quadratic = 0;
    for (let c = 0; c < C; c++) this.quadratic += y[c] * a[c];
  }

  /** Writes the blocks [S, T, T] of A^-1. */
  inverseBlocks(into: Float64Array): void {
    const { T, r, M, Z } = this;
    const C = this.S * T;
    const Y = this.#Y;
    into.set(this.#inverse);
    for (let q = 0; q < r; q++)
      for (let i = 0; i < C; i++) {
        const factor = M[q] * Z[q * C + i];
        const first = i - (i % T);
        for (let u = 0; u < T; u++) into[i * T + u] -= factor * Y[q * C + first + u];
      }
  }

  #invertBlocks(): boolean {
    const { S, T, B } = this;
    const inverse = this.#inverse;
    const block = this.#block;
    const lower = this.#lower;
    this.logDeterminant = 0;
    for (let s = 0; s < S; s++) {
      const at = s * T * T;
      for (let i = 0; i < T * T; i++) block[i] = B[at + i];
      if (!cholesky(block, T)) return false;
      invertLower(block, T, lower);
      for (let t = 0; t < T; t++) {
        this.logDeterminant += 2 * Math.log(block[t * T + t]);
        for (let u = 0; u <= t; u++) {
          let sum = 0;
          for (let k = t; k < T; k++) sum += lower[k * T + t] * lower[k * T + u];
          inverse[at + t * T + u] = sum;
          inverse[at + u * T + t] = sum;
        }
      }
    }
    return true;
  }

  #solveBlocks(from: Float64Array, x: number, into: Float64Array, y: number): void {
    const { S, T } = this;
    const inverse = this.#inverse;
    for (let first = 0; first < S * T; first += T)
      for (let t = first; t < first + T; t++) {
        let sum = 0;
        for (let u = 0; u < T; u++) sum += inverse[t * T + u] * from[x + first + u];
        into[y + t] = sum;
      }
  }
}

/**
 * Writes the inverse of a [n, n] matrix, which is destroyed, by Gauss-Jordan elimination with pivots; gives the logarithm of its
 * determinant, undefined where that is not above 0.
 */
function invertGeneral(a: Float64Array, n: number, out: Float64Array): number | undefined {
  out.fill(0);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  let log = 0;
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[pivot * n + k])) pivot = i;
    if (pivot !== k) {
      sign = -sign;
      swapRows(a, n, k, pivot);
      swapRows(out, n, k, pivot);
    }
    const lead = a[k * n + k];
    if (lead === 0 || Number.isNaN(lead)) return undefined;
    if (lead < 0) sign = -sign;
    log += Math.log(Math.abs(lead));
    for (let j = 0; j < n; j++) {
      a[k * n + j] /= lead;
      out[k * n + j] /= lead;
    }
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + k];
      if (i === k || factor === 0) continue;
      for (let j = 0; j < n; j++) {
        a[i * n + j] -= factor * a[k * n + j];
        out[i * n + j] -= factor * out[k * n + j];
      }
    }
  }
  return sign > 0 ? log : undefined;
}

function swapRows(a: Float64Array, n: number, i: number, k: number): void {
  for (let j = 0; j < n; j++) {
    const held = a[i * n + j];
    a[i * n + j] = a[k * n + j];
    a[k * n + j] = held;
  }
}
