/** Newton's method for regressions with few parameters. */
import { cholesky, solveCholesky } from './matrix.ts';

export interface NewtonOptions {
  iterations: number;
  /** Stops where no parameter moves by more. */
  tolerance: number;
}

/** A search for the b [P] where a gradient is 0, moved by `step` once gradient and Hessian at b are there. */
export class Newton {
  readonly b: Float64Array;
  /** [P], and the lower triangle of [P,P], at b: sums that are 0 before each step. */
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  /** `last`: the sums at the final b are still to be made. `failed`: the Hessian was not positive definite. */
  state: 'moving' | 'last' | 'done' | 'failed' = 'moving';
  readonly #options: NewtonOptions;
  #moves = 0;

  constructor(b: Float64Array, options: NewtonOptions) {
    this.b = b;
    this.gradient = new Float64Array(b.length);
    this.hessian = new Float64Array(b.length ** 2);
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.state === 'moving' || this.state === 'last';
  }

  /** Moves b, and clears the sums; at the end leaves the Hessian at the final b. */
  step(): void {
    const { b, gradient, hessian } = this;
    if (this.state === 'last') {
      this.state = 'done';
      return;
    }
    if (!cholesky(hessian, b.length)) {
      this.state = 'failed';
      return;
    }
    solveCholesky(hessian, b.length, gradient);
    let largest = 0;
    for (let i = 0; i < b.length; i++) {
      b[i] += gradient[i];
      largest = Math.max(largest, Math.abs(gradient[i]));
    }
    this.#moves++;
    if (largest < this.#options.tolerance || this.#moves === this.#options.iterations) this.state = 'last';
    gradient.fill(0);
    hessian.fill(0);
  }
}

/**
 * Moves b [P] to where the gradient is 0. `assemble` adds the gradient [P] and the lower triangle of the Hessian [P,P] at b.
 * Returns the Hessian at the end; undefined where it is not positive definite.
 */
export function newton(
  b: Float64Array,
  assemble: (gradient: Float64Array, hessian: Float64Array) => void,
  options: NewtonOptions,
): Float64Array | undefined {
  const search = new Newton(b, options);
  while (search.isOpen) {
    assemble(search.gradient, search.hessian);
    search.step();
  }
  return search.state === 'done' ? search.hessian : undefined;
}
