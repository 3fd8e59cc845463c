/** Logistic and linear regression on few columns, with errors over clusters of rows. */
import { sigmoid, softplus } from '../../evaluate/index.ts';
import { cholesky, invertLower, solveCholesky } from './matrix.ts';
import { newton } from './newton.ts';
import { clusterCount } from './paired.ts';

interface Regression {
  b: Float64Array;
  /** Standard errors over clusters. */
  error: Float64Array;
  logits: Float64Array;
  losses: Float64Array;
}

/** Coefficients (the intercept first) of greatest likelihood; undefined where there are none. `offset`: added to every logit, with coefficient 1. */
export function logistic(
  y: Float64Array,
  columns: readonly Float64Array[],
  clusters: Int32Array,
  offset?: Float64Array,
): Regression | undefined {
  const P = columns.length + 1;
  const x = (row: number, i: number): number => (i === 0 ? 1 : columns[i - 1][row]);
  const b = new Float64Array(P);
  const logit = (row: number): number => {
    let sum = offset?.[row] ?? 0;
    for (let i = 0; i < P; i++) sum += x(row, i) * b[i];
    return sum;
  };
  const assemble = (gradient: Float64Array, hessian: Float64Array): void => {
    for (let row = 0; row < y.length; row++) {
      const p = sigmoid(logit(row));
      for (let i = 0; i < P; i++) {
        gradient[i] += x(row, i) * (y[row] - p);
        for (let j = 0; j <= i; j++) hessian[i * P + j] += p * (1 - p) * x(row, i) * x(row, j);
      }
    }
    for (let i = 0; i < P; i++) hessian[i * P + i] += 1e-6;
  };
  const hessian = newton(b, assemble, { iterations: 20, tolerance: 1e-10 });
  if (hessian === undefined || !b.every(Number.isFinite) || !cholesky(hessian, P)) return undefined;
  const logits = Float64Array.from(y, (_, row) => logit(row));
  return {
    b,
    error: clusteredErrors(hessian, P, (row, i) => x(row, i) * (y[row] - sigmoid(logits[row])), clusters),
    logits,
    losses: logits.map((l, row) => softplus(l) - y[row] * l),
  };
}

/** Least squares, the intercept first; undefined where the columns do not determine the coefficients. */
export function linear(
  z: Float64Array,
  columns: readonly Float64Array[],
  clusters: Int32Array,
): Pick<Regression, 'b' | 'error'> | undefined {
  const P = columns.length + 1;
  const x = (row: number, i: number): number => (i === 0 ? 1 : columns[i - 1][row]);
  const normal = new Float64Array(P * P);
  const b = new Float64Array(P);
  for (let row = 0; row < z.length; row++)
    for (let i = 0; i < P; i++) {
      b[i] += x(row, i) * z[row];
      for (let j = 0; j <= i; j++) normal[i * P + j] += x(row, i) * x(row, j);
    }
  for (let i = 0; i < P; i++) normal[i * P + i] += 1e-6;
  if (!cholesky(normal, P)) return undefined;
  solveCholesky(normal, P, b);
  const residuals = z.map((value, row) => {
    let sum = value;
    for (let i = 0; i < P; i++) sum -= x(row, i) * b[i];
    return sum;
  });
  return { b, error: clusteredErrors(normal, P, (row, i) => x(row, i) * residuals[row], clusters) };
}

/** Square roots of the diagonal of H^-1 (sum over clusters of g g') H^-1, given the Cholesky factor of H. */
function clusteredErrors(
  factor: Float64Array,
  P: number,
  score: (row: number, i: number) => number,
  clusters: Int32Array,
): Float64Array {
  const count = clusterCount(clusters);
  const sums = new Float64Array(count * P);
  for (let row = 0; row < clusters.length; row++)
    for (let i = 0; i < P; i++) sums[clusters[row] * P + i] += score(row, i);
  const lower = new Float64Array(P * P);
  invertLower(factor, P, lower);
  const squares = new Float64Array(P);
  const small = count > 1 ? count / (count - 1) : 1;
  for (let c = 0; c < count; c++) {
    const half = Float64Array.from({ length: P }, (_, i) => {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += lower[i * P + j] * sums[c * P + j];
      return sum;
    });
    for (let i = 0; i < P; i++) {
      let influence = 0;
      for (let j = i; j < P; j++) influence += lower[j * P + i] * half[j];
      squares[i] += small * influence * influence;
    }
  }
  return squares.map(Math.sqrt);
}

/** Standard deviation. */
export function deviation(column: Float64Array): number {
  const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
  return Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length);
}
