/**
 * What a flow could carry without being seen. Where no field feeds a flow, the test has failed to find one, which says little where
 * rows are few: the likelihood limits what each field can bring to it.
 */
import { chiSquareTail } from '../evaluate/significance/index.ts';
import { negativeLogLikelihood } from './covariance/likelihood.ts';
import { type Cells, FLOWS } from './covariance/structure.ts';
import type { Term } from './terms.ts';
import type { Verdicts } from './verdict.ts';

export interface Hidden {
  /** The field that could bring most. */
  field: string;
  /** Of all explained variance, the 95 % limit of what the field could bring. */
  share: number;
  /** Greatest p, over fields, of "the field brings at least `NEGLIGIBLE`". */
  p: number;
}

/** A flow through which no field can bring this share of the explained variance is called useless; otherwise nothing is claimed. */
const NEGLIGIBLE = 0.05;

/** Grid of shares, and the ratio of likelihoods that a one-sided limit of 95 % allows. */
const GRID = Array.from({ length: 40 }, (_, i) => 1e-4 * 1.26 ** i).filter((share) => share < 0.95);
const RATIO = 2.7055;

/** [4] for each flow that could exist but that no field feeds: at its usual strength in every cell. `beyond`: variance that is explained otherwise. */
export function hiddenFlows(
  terms: readonly Term[],
  cells: Cells,
  { tau2, W, reads, exists, possible }: Verdicts,
  beyond = 0,
): (Hidden | undefined)[] {
  const C = cells.scenarios * cells.tasks;
  const explained = explainedBy({ tau2, W, reads }, C) + beyond;
  return exists.map((does, k) => {
    if (does || !possible[k] || explained === 0) return undefined;
    const strengths = Float64Array.from(W);
    strengths.fill(1, k * C, (k + 1) * C);
    let most: Hidden | undefined;
    for (const [j, term] of terms.entries()) {
      if (term.nested && (k === 1 || k === 3)) continue;
      const own = tau2.slice(j * FLOWS, (j + 1) * FLOWS).map((value, i) => (reads[j * FLOWS + i] ? value : 0));
      const lost = (share: number): number => {
        own[k] = (explained * share) / (1 - share);
        return 2 * negativeLogLikelihood([term], cells, { tau2: own, W: strengths });
      };
      const values = [lost(0), ...GRID.map(lost)];
      const best = Math.min(...values);
      const share = [0, ...GRID].findLast((_, i) => values[i] - best <= RATIO) as number;
      const isBeyond = values.indexOf(best) > 0 && GRID[values.indexOf(best) - 1] >= NEGLIGIBLE;
      const p = isBeyond ? 1 : 0.5 * chiSquareTail(Math.max(lost(NEGLIGIBLE) - best, 0));
      if (most === undefined || share > most.share) most = { field: term.name, share, p: Math.max(p, most?.p ?? 0) };
      else if (p > most.p) most = { ...most, p };
    }
    return most;
  });
}

/** The variance that fields bring to flows, over all of them. */
export function explainedBy({ tau2, W, reads }: Pick<Verdicts, 'tau2' | 'W' | 'reads'>, C: number): number {
  const squares = Array.from({ length: FLOWS }, (_, k) =>
    W.subarray(k * C, (k + 1) * C).reduce((sum, w) => sum + (w * w) / C, 0),
  );
  return tau2.reduce((sum, value, i) => sum + (reads[i] ? value * squares[i % FLOWS] : 0), 0);
}
