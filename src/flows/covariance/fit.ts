/** Strengths and variances of greatest marginal likelihood. */

import { minimise } from '../numeric/minimise.ts';
import type { Term } from '../terms.ts';
import { addInformation } from './information.ts';
import { negativeLogLikelihood, type Parameters } from './likelihood.ts';
import { type Cells, FLOWS, isPossible } from './structure.ts';

/** Bounds of a variance, and of a strength. */
export const LOW = 1e-6;
const HIGH = 25;
const STRONGEST = 3;

export interface FitOptions {
  /** Default: a quarter of each term's mean square for each flow. */
  tau2?: Float64Array;
  /** [4, C] start. Default 1. */
  W?: Float64Array;
  /** [J, 4] Which fields may feed which flow. */
  active: readonly boolean[];
  /** A flow whose strengths stay as they are. */
  held?: number;
  maxIterations: number;
}

export interface Fit extends Parameters {
  /** Negative log likelihood, without the prior. */
  value: number;
}

/**
 * Maximises over tau2 and W in [0, 3] with rows of root mean square 1 and a weak prior N(1, 1) on each strength (without it the
 * strengths of flows that carry nothing would wander). Steps are Fisher scores: with log tau2 and steps from gradients alone it took ten times as
 * many, as variances near 0 have no slope there.
 */
export function maximise(terms: readonly Term[], cells: Cells, options: FitOptions): Fit {
  const C = cells.scenarios * cells.tasks;
  const W0 = options.W ?? new Float64Array(FLOWS * C).fill(1);
  const { held, maxIterations } = options;
  return search(terms, cells, { ...startOf(terms, cells, options), W: W0, free: FLOWS * C, held }, maxIterations);
}

/** Maximises over tau2 alone: each field by itself, since they have nothing but the strengths in common. */
export function maximiseVariances(terms: readonly Term[], cells: Cells, options: FitOptions): Fit {
  const W = options.W ?? new Float64Array(FLOWS * cells.scenarios * cells.tasks).fill(1);
  const { active, tau2 } = startOf(terms, cells, options);
  const fits = terms.map((term, j) => {
    const own = { tau2: tau2.slice(j * FLOWS, (j + 1) * FLOWS), active: active.slice(j * FLOWS, (j + 1) * FLOWS) };
    return search([term], cells, { ...own, W, free: 0 }, options.maxIterations);
  });
  return {
    tau2: Float64Array.from(fits.flatMap((fit) => [...fit.tau2])),
    W,
    value: fits.reduce((sum, { value }) => sum + value, 0),
  };
}

interface Start extends Parameters {
  active: readonly boolean[];
  /** Strengths that the search has: all, or none. */
  free: number;
  held?: number | undefined;
}

function startOf(terms: readonly Term[], cells: Cells, options: FitOptions): Pick<Start, 'active' | 'tau2'> {
  const possible = isPossible(cells);
  const active = options.active.map((is, i) => is && possible[i % FLOWS]);
  if (options.tau2 !== undefined) return { active, tau2: options.tau2 };
  const tau2 = new Float64Array(terms.length * FLOWS);
  for (const [j, { meanSquare }] of terms.entries())
    tau2.fill(Math.max(meanSquare, 1e-4) / 4, j * FLOWS, (j + 1) * FLOWS);
  return { active, tau2 };
}

function search(terms: readonly Term[], cells: Cells, start: Start, maxIterations: number): Fit {
  const places = start.active.flatMap((is, i) => (is ? [i] : []));
  const space = new Space(terms, cells, places, start);
  const { x } = minimise(
    (at, gradient) => space.objective(at, gradient),
    [...places.map((place) => Math.min(Math.max(start.tau2[place], LOW), HIGH)), ...(start.free === 0 ? [] : start.W)],
    {
      low: [...places.map(() => LOW), ...space.bounds(0)],
      high: [...places.map(() => HIGH), ...space.bounds(STRONGEST)],
      maxIterations,
      curvature: (at) => space.curvature(at),
    },
  );
  const parameters = space.unpack(x);
  return { ...parameters, value: negativeLogLikelihood(terms, cells, parameters) };
}

/** What the search moves: the variances at `places`, then the strengths before they are normalised, if they are free. */
class Space {
  readonly #terms: readonly Term[];
  readonly #cells: Cells;
  readonly #places: readonly number[];
  readonly #W: Float64Array;
  readonly #free: number;
  readonly #held: number | undefined;
  readonly #gradient: Parameters;

  constructor(terms: readonly Term[], cells: Cells, places: readonly number[], { W, free, held }: Start) {
    this.#terms = terms;
    this.#cells = cells;
    this.#places = places;
    this.#W = W;
    this.#free = free;
    this.#held = held;
    this.#gradient = { tau2: new Float64Array(terms.length * FLOWS), W: new Float64Array(W.length) };
  }

  unpack(x: Float64Array): Parameters {
    const tau2 = new Float64Array(this.#terms.length * FLOWS);
    for (const [i, place] of this.#places.entries()) tau2[place] = x[i];
    return { tau2, W: this.#free === 0 ? this.#W : this.#norms(x).W };
  }

  #norms(x: Float64Array): Norms {
    return normalised(x.subarray(this.#places.length), this.#held);
  }

  /** Of the strengths. */
  bounds(bound: number): number[] {
    const C = this.#W.length / FLOWS;
    return Array.from({ length: this.#free }, (_, i) => (Math.floor(i / C) === this.#held ? this.#W[i] : bound));
  }

  objective(x: Float64Array, gradient: Float64Array): number {
    const own = this.#gradient;
    let value = negativeLogLikelihood(this.#terms, this.#cells, this.unpack(x), own);
    for (const [i, place] of this.#places.entries()) gradient[i] = own.tau2[place];
    if (this.#free === 0) return value;
    const first = this.#places.length;
    gradient.set(throughNorms(own.W, this.#norms(x)), first);
    for (let i = first; i < x.length; i++) {
      value += 0.5 * (x[i] - 1) ** 2;
      gradient[i] += x[i] - 1;
    }
    return value;
  }

  /** [n, n] the information about what moves, with that of the prior. */
  curvature(x: Float64Array): Float64Array {
    const n = x.length;
    const first = this.#places.length;
    const { tau2, W } = this.unpack(x);
    const out = new Float64Array(n * n);
    const strengths = this.#free === 0 ? undefined : first;
    const placeOf = new Map(this.#places.map((place, i) => [place, i]));
    for (const [j, term] of this.#terms.entries()) {
      const variances = [0, 1, 2, 3].map((k) => placeOf.get(j * FLOWS + k) ?? -1);
      const into = { out, n, variances, strengths };
      addInformation(term, this.#cells, tau2.subarray(j * FLOWS, (j + 1) * FLOWS), W, into);
    }
    for (let i = 0; i < n; i++) for (let k = 0; k < i; k++) out[k * n + i] = out[i * n + k];
    if (this.#free === 0) return out;
    const norms = this.#norms(x);
    for (let i = 0; i < n; i++) out.set(throughNorms(out.subarray(i * n + first, (i + 1) * n), norms), i * n + first);
    transpose(out, n);
    for (let i = 0; i < n; i++) out.set(throughNorms(out.subarray(i * n + first, (i + 1) * n), norms), i * n + first);
    for (let i = first; i < n; i++) out[i * n + i] += 1;
    return out;
  }
}

function transpose(a: Float64Array, n: number): void {
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const held = a[i * n + j];
      a[i * n + j] = a[j * n + i];
      a[j * n + i] = held;
    }
}

interface Norms {
  /** [4, C] each flow's strengths over their root mean square. */
  W: Float64Array;
  /** [4] */
  norms: number[];
}

/** Slopes [4, C] by normalised strengths, as slopes by the strengths before. */
function throughNorms(slopes: Float64Array, { W, norms }: Norms): Float64Array {
  const C = W.length / FLOWS;
  const out = new Float64Array(slopes.length);
  for (let k = 0; k < FLOWS; k++) {
    let along = 0;
    for (let c = 0; c < C; c++) along += (slopes[k * C + c] * W[k * C + c]) / C;
    for (let c = 0; c < C; c++) out[k * C + c] = (slopes[k * C + c] - W[k * C + c] * along) / norms[k];
  }
  return out;
}

function normalised(raw: Float64Array, held: number | undefined): Norms {
  const C = raw.length / FLOWS;
  const W = Float64Array.from(raw);
  const norms: number[] = [];
  for (let k = 0; k < FLOWS; k++) {
    let squares = 0;
    for (let c = 0; c < C; c++) squares += raw[k * C + c] ** 2;
    const norm = k === held ? 1 : Math.sqrt(squares / C + 1e-12);
    norms.push(norm);
    for (let c = 0; c < C; c++) W[k * C + c] /= norm;
  }
  return { W, norms };
}
