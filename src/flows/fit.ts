/** Strengths and variances of greatest marginal likelihood. */
import { FLOWS, negativeLogLikelihood, type Parameters } from './likelihood.ts';
import { minimise } from './numeric/minimise.ts';
import { type Cells, isPossible } from './structure.ts';
import type { Term } from './terms.ts';

/** Bounds of a variance, and of a strength. */
export const LOW = 1e-6;
const HIGH = 25;
const STRONGEST = 3;

export interface FitOptions {
  /** Default: a quarter of each term's mean square for each flow. */
  tau2?: Float64Array;
  /** [4, C] start. Default 1. */
  W?: Float64Array;
  /** Leaves the strengths as they are. */
  onlyVariances?: boolean;
  /** [J, 4] Which fields may feed which flow. */
  active: readonly boolean[];
  maxIterations: number;
}

export interface Fit extends Parameters {
  /** Negative log likelihood, without the prior. */
  value: number;
}

/**
 * Maximises over log tau2 and, unless `onlyVariances`, W in [0, 3] with rows of root mean square 1 and a weak prior N(1, 1) on
 * each strength (without it the strengths of flows that carry nothing would wander).
 */
export function maximise(terms: readonly Term[], cells: Cells, options: FitOptions): Fit {
  const C = cells.scenarios * cells.tasks;
  const J = terms.length;
  const possible = isPossible(cells);
  const active = options.active.map((is, i) => is && possible[i % FLOWS]);
  const places = active.flatMap((is, i) => (is ? [i] : []));
  const start = options.tau2 ?? startOf(terms);
  const W0 = options.W ?? new Float64Array(FLOWS * C).fill(1);
  const free = options.onlyVariances ? 0 : FLOWS * C;
  const unpack = (x: Float64Array): Parameters => {
    const tau2 = new Float64Array(J * FLOWS);
    for (const [i, place] of places.entries()) tau2[place] = Math.exp(x[i]);
    return { tau2, W: free === 0 ? W0 : normalised(x.subarray(places.length), C).W };
  };
  const own = { tau2: new Float64Array(J * FLOWS), W: new Float64Array(FLOWS * C) };
  const { x } = minimise(
    (at, gradient) => {
      const parameters = unpack(at);
      let value = negativeLogLikelihood(terms, cells, parameters, own);
      for (const [i, place] of places.entries()) gradient[i] = own.tau2[place] * parameters.tau2[place];
      if (free === 0) return value;
      const raw = at.subarray(places.length);
      const { W, norms } = normalised(raw, C);
      for (let k = 0; k < FLOWS; k++) {
        let along = 0;
        for (let c = 0; c < C; c++) along += (own.W[k * C + c] * W[k * C + c]) / C;
        for (let c = 0; c < C; c++) {
          const i = k * C + c;
          value += 0.5 * (raw[i] - 1) ** 2;
          gradient[places.length + i] = (own.W[i] - W[i] * along) / norms[k] + raw[i] - 1;
        }
      }
      return value;
    },
    [...places.map((place) => Math.log(Math.min(Math.max(start[place], LOW), HIGH))), ...(free === 0 ? [] : W0)],
    {
      low: [...places.map(() => Math.log(LOW)), ...new Array(free).fill(0)],
      high: [...places.map(() => Math.log(HIGH)), ...new Array(free).fill(STRONGEST)],
      maxIterations: options.maxIterations,
    },
  );
  const parameters = unpack(x);
  return { ...parameters, value: negativeLogLikelihood(terms, cells, parameters) };
}

function startOf(terms: readonly Term[]): Float64Array {
  const tau2 = new Float64Array(terms.length * FLOWS);
  for (const [j, { meanSquare }] of terms.entries())
    tau2.fill(Math.max(meanSquare, 1e-4) / 4, j * FLOWS, (j + 1) * FLOWS);
  return tau2;
}

/** Each flow's strengths over their root mean square. */
function normalised(raw: Float64Array, C: number): { W: Float64Array; norms: number[] } {
  const W = Float64Array.from(raw);
  const norms: number[] = [];
  for (let k = 0; k < FLOWS; k++) {
    let squares = 0;
    for (let c = 0; c < C; c++) squares += raw[k * C + c] ** 2;
    const norm = Math.sqrt(squares / C + 1e-12);
    norms.push(norm);
    for (let c = 0; c < C; c++) W[k * C + c] /= norm;
  }
  return { W, norms };
}
