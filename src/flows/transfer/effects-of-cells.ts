/**
 * What a cell learns of a field from its own rows alone, and from those of one other cell as well as if both had the same effects. With
 * effects y of a field's contrasts or levels, their information h and error K (stage 1), and beta ~ N(0, tau2) per contrast or level:
 *
 *   own    y_c ~ N(h_c beta, K_c)
 *   pair   the same, and y_d ~ N(h_d beta, K_d); cells of different scenarios have no rows in common, so their errors are independent
 *
 * tau2 has the greatest marginal likelihood; an effect is the posterior mean of beta.
 */
import type { Cells } from '../covariance/structure.ts';
import type { Effects } from '../effects/effects.ts';
import { type LearnedFlows, levelEffects } from '../scores.ts';
import type { Term } from '../terms.ts';

/** What each cell learns from its own rows. */
export const ownEffects = (effects: Effects, terms: readonly Term[], cells: Cells): LearnedFlows =>
  learned(effects, terms, cells, (c) => [c]);

/** What each cell learns from its own rows and those of its task in the scenario `shift` places on, cyclically. */
export const pairEffects = (effects: Effects, terms: readonly Term[], cells: Cells, shift: number): LearnedFlows =>
  learned(effects, terms, cells, (c) => [c, (c + shift * cells.tasks) % (cells.scenarios * cells.tasks)]);

function learned(
  { fields }: Effects,
  terms: readonly Term[],
  cells: Cells,
  learnsFrom: (cell: number) => number[],
): LearnedFlows {
  const C = cells.scenarios * cells.tasks;
  const posterior = (term: Term): Float64Array => {
    const out = new Float64Array(term.rows * C);
    for (let c = 0; c < C; c++)
      for (const [m, mean] of meansOf(term, learnsFrom(c), cells).entries()) out[m * C + c] = mean;
    return out;
  };
  return {
    cells: C,
    fields: fields.map((field, j) => ({
      block: field.block,
      effects: [levelEffects(field, terms[j], posterior(terms[j]), C)],
    })),
  };
}

/**
 * [M] posterior means of beta from cells with independent errors, with p = sum h^2 / K and r = sum h y / K:
 *
 *   -2 log L(tau2) = log(1 + tau2 p) - tau2 r^2 / (1 + tau2 p) + what tau2 does not change
 *   beta           = tau2 r / (1 + tau2 p)
 */
function meansOf({ rows, y, H, K }: Term, of: readonly number[], { scenarios: S, tasks: T }: Cells): Float64Array {
  const [p, r] = [new Float64Array(rows), new Float64Array(rows)];
  for (const c of of)
    for (let m = 0; m < rows; m++) {
      const i = m * S * T + c;
      const h = H?.[i] ?? 1;
      if (h === 0) continue; // no row of the cell has the level
      const error = K[i * T + (c % T)];
      p[m] += (h * h) / error;
      r[m] += (h * y[i]) / error;
    }
  const tau2 = bestVariance((variance) => {
    let sum = 0;
    for (let m = 0; m < rows; m++) {
      const ratio = 1 + variance * p[m];
      sum += Math.log(ratio) - (variance * r[m] * r[m]) / ratio;
    }
    return sum;
  });
  return r.map((value, m) => (tau2 * value) / (1 + tau2 * p[m]));
}

/** Bounds of log tau2, and points of the grid between them. */
const LOWEST = Math.log(1e-6);
const HIGHEST = Math.log(25);
const GRID = 40;

/** Where a function of tau2 is least: the best point of a grid, then between its neighbours by golden section. */
function bestVariance(lossOf: (tau2: number) => number): number {
  const value = (logarithm: number): number => lossOf(Math.exp(logarithm));
  const step = (HIGHEST - LOWEST) / GRID;
  let best = 0;
  for (let i = 1; i <= GRID; i++) if (value(LOWEST + i * step) < value(LOWEST + best * step)) best = i;
  let low = LOWEST + Math.max(best - 1, 0) * step;
  let high = LOWEST + Math.min(best + 1, GRID) * step;
  const ratio = (Math.sqrt(5) - 1) / 2;
  while (high - low > 1e-3) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (value(a) < value(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}
