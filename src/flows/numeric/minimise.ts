/**
 * Minimises a smooth function within bounds by projected quasi-Newton steps: L-BFGS directions over the variables that are
 * free to move (Bertsekas: Projected Newton methods for optimization problems with simple constraints, SIAM J. Control and
 * Optimization 20, 1982; Nocedal: Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35, 1980).
 */

import { cholesky, dot, solveCholesky } from './matrix.ts';

export interface Minimum {
  x: Float64Array;
  value: number;
  iterations: number;
}

export interface MinimiseOptions {
  low: ArrayLike<number>;
  high: ArrayLike<number>;
  maxIterations: number;
  /** Stops where a step lowers the value by less than this share of it (of 1 where the value is smaller). Default 1e-10. */
  tolerance?: number;
  /** [n, n] positive semidefinite, near to the second derivatives at x. Without it their scale is guessed from the last step. */
  curvature?: (x: Float64Array) => Float64Array;
}

/** Value at x; writes the gradient. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** Pairs of steps and gradient changes that are remembered. */
const MEMORY = 20;
/** Iterations that read the same curvature. */
const FRESH = 8;
/** Of a value, or of 1 where that is smaller. */
const ROUNDING = 4 * Number.EPSILON;
/** A step must lower the value by this share of what the gradient promises. */
const SUFFICIENT = 1e-4;

export function minimise(objective: Objective, start: ArrayLike<number>, options: MinimiseOptions): Minimum {
  const { low, high, maxIterations, tolerance = 1e-10, curvature } = options;
  const n = start.length;
  /** What is a rounding away from a bound is at it: otherwise it would stay there, free to move and unable to. */
  const clip = (value: number, i: number): number => {
    const rounding = ROUNDING * Math.max(Math.abs(value), 1);
    return value - low[i] <= rounding ? low[i] : high[i] - value <= rounding ? high[i] : value;
  };
  let x: Float64Array = Float64Array.from(start, clip);
  let gradient: Float64Array = new Float64Array(n);
  let value = objective(x, gradient);
  const pairs: { step: Float64Array; change: Float64Array }[] = [];
  let stalled = 0;
  let iterations = 0;
  let second: Curvature | undefined;
  while (iterations < maxIterations) {
    const free = Array.from(
      { length: n },
      (_, i) => low[i] < high[i] && !(x[i] <= low[i] && gradient[i] > 0) && !(x[i] >= high[i] && gradient[i] < 0),
    );
    if (curvature !== undefined && iterations % FRESH === 0) second = new Curvature(curvature(x));
    let direction = quasiNewton(gradient, pairs, free, second);
    if (!(dot(direction, gradient) < 0)) {
      pairs.length = 0;
      direction = Float64Array.from(gradient, (g, i) => (free[i] ? -g : 0));
    }
    // Without curvature yet, a first step of length 1 at most.
    const norm = Math.sqrt(dot(direction, direction));
    if (norm === 0) break;
    const next = search(
      objective,
      { x, value, gradient, direction },
      clip,
      pairs.length === 0 && second === undefined ? Math.min(1, 1 / norm) : 1,
    );
    if (next === undefined) {
      if (pairs.length === 0) break;
      pairs.length = 0; // the remembered pairs mislead: restart along the gradient
      continue;
    }
    iterations++;
    remember(pairs, next.x, x, next.gradient, gradient);
    const gain = value - next.value;
    ({ x, value, gradient } = next);
    // A single small step may happen by chance.
    stalled = gain <= tolerance * Math.max(Math.abs(value), 1) ? stalled + 1 : 0;
    if (stalled === 2) break;
  }
  return { x, value, iterations };
}

/** The two loops of L-BFGS, over the free variables alone. */
function quasiNewton(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array }[],
  free: readonly boolean[],
  second?: Curvature,
): Float64Array {
  const d = Float64Array.from(gradient, (g, i) => (free[i] ? -g : 0));
  const part = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) if (free[i]) sum += a[i] * b[i];
    return sum;
  };
  const used: { step: Float64Array; change: Float64Array; curvature: number; alpha: number }[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { step, change } = pairs[k];
    const curvature = part(step, change);
    if (!(curvature > 1e-14 * part(change, change))) continue; // negative curvature over the free variables
    const alpha = part(step, d) / curvature;
    for (let i = 0; i < d.length; i++) if (free[i]) d[i] -= alpha * change[i];
    used.push({ step, change, curvature, alpha });
  }
  if (second !== undefined) second.solve(free, d);
  else if (used.length > 0) {
    const { change, curvature } = used[0];
    const scale = curvature / part(change, change);
    for (let i = 0; i < d.length; i++) d[i] *= scale;
  }
  for (const { step, change, curvature, alpha } of used.reverse()) {
    const beta = part(change, d) / curvature;
    for (let i = 0; i < d.length; i++) if (free[i]) d[i] += (alpha - beta) * step[i];
  }
  return d;
}

/** Second derivatives [n, n]; their factor is kept while the same variables are free. */
class Curvature {
  readonly #second: Float64Array;
  #places: number[] = [];
  #factor: Float64Array | undefined;

  constructor(second: Float64Array) {
    this.#second = second;
  }

  /** Solves second d = d over the free variables. */
  solve(free: readonly boolean[], d: Float64Array): void {
    const places = free.flatMap((is, i) => (is ? [i] : []));
    if (this.#factor === undefined || places.join() !== this.#places.join()) this.#factorise(places, free.length);
    if (this.#factor === undefined) return;
    const right = Float64Array.from(places, (i) => d[i]);
    solveCholesky(this.#factor, places.length, right);
    for (const [i, to] of places.entries()) d[to] = right[i];
  }

  #factorise(places: number[], n: number): void {
    const m = places.length;
    const matrix = new Float64Array(m * m);
    for (const [i, from] of places.entries()) {
      for (let j = 0; j < i; j++) matrix[i * m + j] = this.#second[from * n + places[j]];
      matrix[i * m + i] = this.#second[from * n + from] * (1 + 1e-8) + 1e-12;
    }
    this.#places = places;
    this.#factor = cholesky(matrix, m) ? matrix : undefined;
  }
}

interface Point {
  x: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** The first point along the projected direction that is lower by enough; undefined where there is none. */
function search(
  objective: Objective,
  { x, value, gradient, direction }: Point & { direction: Float64Array },
  clip: (value: number, i: number) => number,
  first: number,
): Point | undefined {
  let length = first;
  for (let tries = 0; tries < 40; tries++) {
    const to = Float64Array.from(x, (xi, i) => clip(xi + length * direction[i], i));
    const found = new Float64Array(x.length);
    const reached = objective(to, found);
    let promised = 0;
    for (let i = 0; i < x.length; i++) promised += gradient[i] * (to[i] - x[i]);
    if (promised >= 0) return undefined;
    if (reached <= value + SUFFICIENT * promised) return { x: to, value: reached, gradient: found };
    // The minimum of the parabola through what is known, within [0.1, 0.5] of the step.
    const parabola = -promised / (2 * (reached - value - promised));
    length *= Math.min(Math.max(Number.isFinite(parabola) ? parabola : 0.1, 0.1), 0.5);
  }
  return undefined;
}

function remember(
  pairs: { step: Float64Array; change: Float64Array }[],
  x: Float64Array,
  before: Float64Array,
  gradient: Float64Array,
  gradientBefore: Float64Array,
): void {
  const step = x.map((value, i) => value - before[i]);
  const change = gradient.map((value, i) => value - gradientBefore[i]);
  const curvature = dot(step, change);
  if (!(curvature > 1e-12 * Math.sqrt(dot(step, step) * dot(change, change)))) return;
  pairs.push({ step, change });
  if (pairs.length > MEMORY) pairs.shift();
}
