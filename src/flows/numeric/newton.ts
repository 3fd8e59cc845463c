/** Newton's method for a regression with few parameters. */
import { cholesky, solveCholesky } from './matrix.ts';

export interface Newton {
  iterations: number;
  /** Stops where no parameter moves by more. */
  tolerance: number;
}

/**
 * Moves b [P] to where the gradient is 0. `assemble` fills the gradient [P] and the lower triangle of the Hessian [P,P] at b,
 * which are 0 when it is called. Returns the Hessian at the end; undefined where it is not positive definite.
 */
export function newton(
  b: Float64Array,
  assemble: (gradient: Float64Array, hessian: Float64Array) => void,
  { iterations, tolerance }: Newton,
): Float64Array | undefined {
  const P = b.length;
  const gradient = new Float64Array(P);
  const hessian = new Float64Array(P * P);
  const fill = (): void => {
    gradient.fill(0);
    hessian.fill(0);
    assemble(gradient, hessian);
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    fill();
    if (!cholesky(hessian, P)) return undefined;
    solveCholesky(hessian, P, gradient);
    let largest = 0;
    for (let i = 0; i < P; i++) {
      b[i] += gradient[i];
      largest = Math.max(largest, Math.abs(gradient[i]));
    }
    if (largest < tolerance) break;
  }
  fill();
  return hessian;
}
