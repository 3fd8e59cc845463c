/** Stage 3: which fields feed which flow, and what the test decides about each flow in each cell. */
import { CORRECTIONS, chiSquareCritical, chiSquareTail } from '../evaluate/significance/index.ts';
import { type Fit, LOW, maximise, maximiseVariances } from './covariance/fit.ts';
import { negativeLogLikelihood } from './covariance/likelihood.ts';
import { type Cells, FLOWS, isPossible } from './covariance/structure.ts';
import type { Term } from './terms.ts';

export interface VerdictOptions {
  /** Useless means: below this share of the flow's usual strength. */
  delta: number;
  /** False discovery rate of the claims. */
  q: number;
  /** Level at which a field feeds a flow, divided by the number of tests. */
  alpha: number;
}

export interface Verdicts {
  /** [4, C] strength over the flow's usual one (the median of the cells that have any). */
  W: Float64Array;
  /** [J, 4] */
  tau2: Float64Array;
  /** [J, 4] Does the field feed the flow? */
  reads: boolean[];
  /** [4] Is there such a flow? Not with one scenario or one task. */
  possible: boolean[];
  /** [4] Does the flow carry 0.2 % of the explained variance? */
  exists: boolean[];
  /** [4] Can it be distinguished from the others, by fields of its own? */
  separable: boolean[];
  /** [4, C] p of "at least delta of the usual strength", and of "none": NaN where it was not tested. */
  p: Float64Array;
  p0: Float64Array;
  /** [4, C] */
  useless: boolean[];
  /** [4, C] Would be useless, but the flow cannot be distinguished from others, or others could take its place. */
  likely: boolean[];
  useful: boolean[];
  /** False discovery rate of the claims. */
  q: number;
  /** Negative log likelihood. */
  value: number;
}

/** A field must bring this share of the flow's largest variance; a flow this share of all explained variance. */
const SMALLEST_FIELD = 0.01;
const SMALLEST_FLOW = 0.002;
/** A field is a flow's own from this share of its variance; a flow needs this share of its variance in such fields. */
const OWN = 0.8;
const SEPARATE = 0.25;

export function verdictsOf(terms: readonly Term[], S: number, T: number, options: VerdictOptions): Verdicts {
  const C = S * T;
  const J = terms.length;
  const cells = { scenarios: S, tasks: T };
  const possible = isPossible(cells);
  const may = mayFeed(terms, cells);
  const first = maximiseVariances(terms, cells, { active: may, maxIterations: 300 });
  const open = scaled(maximise(terms, cells, { tau2: first.tau2, active: may, maxIterations: 300 }), C);
  const { reads, exists } = feeds(terms, cells, open, may, options.alpha);
  const again = maximise(terms, cells, { tau2: raised(open.tau2), W: open.W, active: reads, maxIterations: 100 });
  const { W, tau2 } = scaled(again, C);
  const value = negativeLogLikelihood(terms, cells, { tau2, W });

  const p = new Float64Array(FLOWS * C).fill(1);
  const p0 = new Float64Array(FLOWS * C).fill(Number.NaN);
  const tests = new StrengthTests(terms, cells, { again, W, tau2, reads, q: options.q });
  for (let i = 0; i < FLOWS * C; i++) {
    if (!exists[Math.floor(i / C)]) continue;
    if (W[i] < options.delta) p[i] = tests.p(i, options.delta);
    p0[i] = W[i] > 0.02 ? tests.p(i, 0) : 0.5;
  }
  const adjusted = CORRECTIONS['benjamini-hochberg'];
  const rejections = (): boolean[] =>
    adjusted([...p]).map((value, i) => value <= options.q || !exists[Math.floor(i / C)]);
  const separable = separableFlows(tau2, reads, J);
  const rejected = rejections();
  for (const [i, is] of rejected.entries()) {
    const k = Math.floor(i / C);
    if (is && exists[k] && separable[k]) p[i] = Math.max(p[i], tests.pWithOthers(i, options.delta));
  }
  const holds = rejections();
  const likely = rejected.map(
    (is, i) => is && exists[Math.floor(i / C)] && !(separable[Math.floor(i / C)] && holds[i]),
  );
  const useless = rejected.map((is, i) => is && !likely[i]);
  const tested = [...p0.keys()].filter((i) => !Number.isNaN(p0[i]));
  const positive = adjusted(tested.map((i) => p0[i])).map((value) => value <= options.q);
  const useful = new Array<boolean>(FLOWS * C).fill(false);
  for (const [at, i] of tested.entries()) useful[i] = positive[at] && !useless[i] && !likely[i];
  return { W, tau2, reads, possible, exists, separable, p, p0, useless, likely, useful, q: options.q, value };
}

const raised = (tau2: Float64Array): Float64Array => tau2.map((value) => Math.max(value, LOW));

/** Likelihood ratio tests of single strengths. */
class StrengthTests {
  readonly #terms: readonly Term[];
  readonly #cells: Cells;
  readonly #C: number;
  readonly #found: { again: Fit; W: Float64Array; tau2: Float64Array; reads: readonly boolean[]; q: number };

  /** `again`: the fit before its strengths were `scaled`. */
  constructor(
    terms: readonly Term[],
    cells: Cells,
    found: { again: Fit; W: Float64Array; tau2: Float64Array; reads: readonly boolean[]; q: number },
  ) {
    this.#terms = terms;
    this.#cells = cells;
    this.#C = cells.scenarios * cells.tasks;
    this.#found = found;
  }

  /** p of "the strength is `at`", with the variances of the flow's fields fitted anew: other fields add the same to both likelihoods. */
  p(i: number, at: number): number {
    const { W, tau2, reads, q } = this.#found;
    const k = Math.floor(i / this.#C);
    const own = this.#fields(tau2, (j) => reads[j * FLOWS + k]);
    const reached = negativeLogLikelihood(own.terms, this.#cells, { tau2: own.tau2, W });
    const moved = Float64Array.from(W);
    moved[i] = at;
    // Without a new fit the ratio can only be larger, and p smaller.
    const bound = 2 * (negativeLogLikelihood(own.terms, this.#cells, { tau2: own.tau2, W: moved }) - reached);
    if (bound > 100 || tail(bound) > q) return tail(bound);
    const start = { tau2: raised(own.tau2), W: moved, active: own.active, maxIterations: 40 };
    return tail(2 * (maximiseVariances(own.terms, this.#cells, start).value - reached));
  }

  /** The same with the strengths of the other flows fitted anew, too: where flows read the same fields, others may take its place. */
  pWithOthers(i: number, at: number): number {
    const { again, W, tau2, reads } = this.#found;
    const k = Math.floor(i / this.#C);
    // The strengths of other flows as the search has them: relative to their root mean square.
    const strengths = Float64Array.from(again.W, (w, l) => (Math.floor(l / this.#C) === k ? W[l] : w));
    const variances = again.tau2.map((value, l) => (l % FLOWS === k ? tau2[l] : value));
    const own = this.#fields(variances, (j) => reads.slice(j * FLOWS, (j + 1) * FLOWS).some(Boolean));
    const reached = negativeLogLikelihood(own.terms, this.#cells, { tau2: own.tau2, W: strengths });
    const moved = Float64Array.from(strengths);
    moved[i] = at;
    const start = { tau2: raised(own.tau2), W: moved, active: own.active, held: k, maxIterations: 40 };
    return tail(2 * (maximise(own.terms, this.#cells, start).value - reached));
  }

  #fields(tau2: Float64Array, which: (j: number) => boolean): { terms: Term[]; tau2: Float64Array; active: boolean[] } {
    const kept = [...this.#terms.keys()].filter(which);
    return {
      terms: kept.map((j) => this.#terms[j]),
      tau2: Float64Array.from(kept.flatMap((j) => [...tau2.subarray(j * FLOWS, (j + 1) * FLOWS)])),
      active: kept.flatMap((j) => this.#found.reads.slice(j * FLOWS, (j + 1) * FLOWS)),
    };
  }
}

/** p of a ratio where one strength is at the end of its range. */
const tail = (ratio: number): number => 0.5 * chiSquareTail(Math.max(ratio, 0));

/** [J, 4] Which fields may feed which flow: levels that occur in one scenario only cannot separate what is specific to it from what is shared. */
export function mayFeed(terms: readonly Term[], cells: Cells): boolean[] {
  const possible = isPossible(cells);
  return terms.flatMap(({ nested }) => [0, 1, 2, 3].map((k) => possible[k] && !(nested && (k === 1 || k === 3))));
}

/** Strengths relative to the flow's usual one: the median over cells that have any. */
function scaled({ W, tau2 }: Fit, C: number): { W: Float64Array; tau2: Float64Array } {
  const scales = Array.from({ length: FLOWS }, (_, k) => {
    const strong = [...W.subarray(k * C, (k + 1) * C)].filter((w) => w > 0.25).sort((a, b) => a - b);
    if (strong.length === 0) return 1;
    const middle = strong.length >> 1;
    return strong.length % 2 === 1 ? strong[middle] : (strong[middle - 1] + strong[middle]) / 2;
  });
  return {
    W: W.map((w, i) => w / scales[Math.floor(i / C)]),
    tau2: tau2.map((value, i) => value * scales[i % FLOWS] ** 2),
  };
}

/** Which fields a flow reads: those that the likelihood misses and that contribute a minimum share. */
function feeds(
  terms: readonly Term[],
  cells: Cells,
  { W, tau2 }: { W: Float64Array; tau2: Float64Array },
  may: readonly boolean[],
  alpha: number,
): { reads: boolean[]; exists: boolean[] } {
  const J = terms.length;
  const critical = chiSquareCritical(alpha / (FLOWS * J));
  const column = (k: number): number[] => terms.map((_, j) => tau2[j * FLOWS + k]);
  const largest = Array.from({ length: FLOWS }, (_, k) => Math.max(...column(k)));
  const total = tau2.reduce((sum, value) => sum + value, 0);
  const significant = may.map((is, i) => {
    const [j, k] = [Math.floor(i / FLOWS), i % FLOWS];
    if (!is || !(tau2[i] > SMALLEST_FIELD * largest[k])) return false;
    const own = Float64Array.from(tau2.subarray(j * FLOWS, (j + 1) * FLOWS));
    const full = negativeLogLikelihood([terms[j]], cells, { tau2: own, W });
    own[k] = 0;
    return 2 * (negativeLogLikelihood([terms[j]], cells, { tau2: own, W }) - full) > critical;
  });
  const exists = Array.from({ length: FLOWS }, (_, k) => {
    const carried = column(k).reduce((sum, value) => sum + value, 0);
    return terms.some((_, j) => significant[j * FLOWS + k]) && carried > SMALLEST_FLOW * total;
  });
  return { reads: significant.map((is, i) => is && exists[i % FLOWS]), exists };
}

/** A flow with no field (nearly) to itself can be mistaken for another. */
function separableFlows(tau2: Float64Array, reads: readonly boolean[], J: number): boolean[] {
  const variance = tau2.map((value, i) => (reads[i] ? value : 0));
  return Array.from({ length: FLOWS }, (_, k) => {
    let own = 0;
    let all = 0;
    for (let j = 0; j < J; j++) {
      const row = variance.subarray(j * FLOWS, (j + 1) * FLOWS);
      const share = row[k] / Math.max(row[0] + row[1] + row[2] + row[3], 1e-12);
      all += row[k];
      if (share >= OWN) own += row[k];
    }
    return own >= SEPARATE * all;
  });
}
