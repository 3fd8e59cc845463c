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
  learned(effects, terms, cells, (term, c) => [columnOf(term, c, cells)]);

/** What each cell learns from its own rows and those of its task in the scenario `shift` places on, cyclically. */
export const pairEffects = (effects: Effects, terms: readonly Term[], cells: Cells, shift: number): LearnedFlows =>
  learned(effects, terms, cells, (term, c) => {
    const { scenarios: S, tasks: T } = cells;
    return [c, (c + shift * T) % (S * T)].map((d) => columnOf(term, d, cells));
  });

function learned(
  { fields }: Effects,
  terms: readonly Term[],
  { scenarios: S, tasks: T }: Cells,
  columnsOf: (term: Term, cell: number) => Column[],
): LearnedFlows {
  const C = S * T;
  const posterior = (term: Term): Float64Array => {
    const out = new Float64Array(term.rows * C);
    for (let c = 0; c < C; c++) for (const [m, mean] of meansOf(columnsOf(term, c)).entries()) out[m * C + c] = mean;
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

/** [M] of one cell. */
interface Column {
  y: Float64Array;
  h: Float64Array;
  error: Float64Array;
}

const columnOf = ({ rows, y, H, K }: Term, c: number, { scenarios: S, tasks: T }: Cells): Column => {
  const C = S * T;
  return {
    y: Float64Array.from({ length: rows }, (_, m) => y[m * C + c]),
    h: Float64Array.from({ length: rows }, (_, m) => H?.[m * C + c] ?? 1),
    error: Float64Array.from({ length: rows }, (_, m) => K[(m * C + c) * T + (c % T)]),
  };
};

/**
 * [M] posterior means of beta. By columns with independent errors, with p = sum h^2 / K and r = sum h y / K:
 *
 *   -2 log L(tau2) = log(1 + tau2 p) - tau2 r^2 / (1 + tau2 p) + what tau2 does not change
 *   beta           = tau2 r / (1 + tau2 p)
 */
function meansOf(columns: readonly Column[]): Float64Array {
  const rows = columns[0].y.length;
  const [p, r] = [new Float64Array(rows), new Float64Array(rows)];
  for (const { y, h, error } of columns)
    for (let m = 0; m < rows; m++) {
      if (h[m] === 0) continue; // no row of the cell has the level
      p[m] += (h[m] * h[m]) / error[m];
      r[m] += (h[m] * y[m]) / error[m];
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
