/** What the likelihood reads of each field: y ~ N(0, K + H Sigma H), a row for each contrast (coarse) or level (ids). */
import type { CoarseEffect } from './effects/coarse.ts';
import type { Effects } from './effects/effects.ts';
import type { FineEffect } from './effects/fine.ts';

export interface Term {
  name: string;
  kind: 'coarse' | 'fine';
  /** M */
  rows: number;
  /** [M, C] effects (coarse) or scores (ids). */
  y: Float64Array;
  /** [M, C] information of a level; undefined for coarse fields, where it is 1. */
  H?: Float64Array;
  /** [M, S, T, T] sampling error and misfit: cells of different scenarios have no rows in common. */
  K: Float64Array;
  /** Mean square effect beyond the sampling error. */
  meanSquare: number;
  /** Do its levels belong to one scenario each? Then it cannot say what scenarios share. */
  nested: boolean;
  /** [M] level of each row, of ids. */
  order?: Int32Array;
}

export interface TermOptions {
  /** Levels of an id field, the most informative ones. */
  maxRows: number;
  /** Misfit: the standard deviation of what structure does not explain, as a share of the term's root mean square. */
  misfit: number;
}

/** Share of a level's rows in one scenario from which it belongs to it, and share of such rows that makes a field nested. */
const ALONE = 0.95;
const NESTED = 0.9;

export function termsOf({ fields, correlation }: Effects, S: number, T: number, options: TermOptions): Term[] {
  return fields.map((field) => {
    const term = field.kind === 'coarse' ? coarseTerm(field) : fineTerm(field, correlation, S, T, options.maxRows);
    return withMisfit({ ...term, nested: isNested(field, term.order, S) }, T, options.misfit);
  });
}

type BareTerm = Omit<Term, 'meanSquare' | 'nested'>;

const coarseTerm = ({ block, y, error }: CoarseEffect): BareTerm => ({
  name: block.name,
  kind: 'coarse',
  rows: block.levels - 1,
  y: Float64Array.from(y),
  K: Float64Array.from(error),
});

function fineTerm(
  { block, score, information }: FineEffect,
  correlation: Float64Array,
  S: number,
  T: number,
  maxRows: number,
): BareTerm {
  const C = S * T;
  const L = block.levels;
  const total = new Float64Array(L);
  for (let k = 0; k < information.length; k++) total[k % L] += information[k];
  const order = Int32Array.from(
    Array.from({ length: L }, (_, level) => level)
      .sort((a, b) => total[b] - total[a])
      .slice(0, maxRows),
  );
  const M = order.length;
  const y = new Float64Array(M * C);
  const H = new Float64Array(M * C);
  const K = new Float64Array(M * C * T);
  for (let m = 0; m < M; m++) {
    for (let c = 0; c < C; c++) {
      y[m * C + c] = score[c * L + order[m]];
      H[m * C + c] = information[c * L + order[m]];
    }
    for (let s = 0; s < S; s++)
      for (let t = 0; t < T; t++)
        for (let u = 0; u < T; u++) {
          const [a, b] = [s * T + t, s * T + u];
          K[(m * C + a) * T + u] = correlation[(s * T + t) * T + u] * Math.sqrt(H[m * C + a] * H[m * C + b]);
        }
    for (let c = 0; c < C; c++) K[(m * C + c) * T + (c % T)] += 1e-6;
  }
  return { name: block.name, kind: 'fine', rows: M, y, H, K, order };
}

function isNested({ block }: CoarseEffect | FineEffect, order: Int32Array | undefined, S: number): boolean {
  const L = block.levels;
  let all = 0;
  let alone = 0;
  for (const level of order ?? Array.from({ length: L }, (_, l) => l)) {
    let total = 0;
    let most = 0;
    for (let s = 0; s < S; s++) {
      total += block.seen[s * L + level];
      most = Math.max(most, block.seen[s * L + level]);
    }
    all += total;
    if (most > ALONE * total) alone += total;
  }
  return alone > NESTED * all;
}

function withMisfit(term: Omit<Term, 'meanSquare'>, T: number, misfit: number): Term {
  const { y, H, K } = term;
  let squares = 0;
  let weights = 0;
  for (let i = 0; i < y.length; i++) {
    const known = K[i * T + (i % T)] < 1e7;
    if (!known) continue;
    squares += y[i] * y[i] - K[i * T + (i % T)];
    weights += H === undefined ? 1 : H[i] * H[i];
  }
  const meanSquare = Math.max(squares / Math.max(weights, 1e-300), 0);
  for (let i = 0; i < y.length; i++) K[i * T + (i % T)] += misfit ** 2 * meanSquare * (H === undefined ? 1 : H[i] ** 2);
  return { ...term, meanSquare };
}
