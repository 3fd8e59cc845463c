/** A logistic regression of each cell on all coarse fields together, by iteratively reweighted least squares. */
import { sigmoid } from '../../evaluate/index.ts';
import { inverseOf } from '../numeric/matrix.ts';
import { Newton } from '../numeric/newton.ts';
import { addOuter, addRow } from './design.ts';
import { logitAt, type Passes } from './passes.ts';

export interface CellOptions {
  /** Ridge penalty on the effects of coarse levels. */
  ridge: number;
  /** Positives, and negatives, that a cell needs: with fewer it is not estimated. */
  minCount: number;
}

export interface CellModel {
  /** [P] */
  b: Float64Array;
  /** [P,P] inverse Hessian, full. */
  inverse: Float64Array;
}

/** What a cell holds. */
interface CellCount {
  /** Rows with a label that counts and a weight above 0, and those of them that are positive. */
  rows: number;
  positives: number;
  /** The same by weight. */
  mass: number;
  positiveMass: number;
  /** Sum of the logits that are known, by weight. */
  offset: number;
}

/** [C] */
export async function countCells(passes: Passes): Promise<CellCount[]> {
  const { scenarios: S, tasks: T } = passes;
  const cells = Array.from({ length: S * T }, () => ({ rows: 0, positives: 0, mass: 0, positiveMass: 0, offset: 0 }));
  await passes.each(({ rows: n, scenario, asked, mass, labels, offset }) => {
    for (let row = 0; row < n; row++)
      for (let t = 0; t < T; t++) {
        if (asked[row * T + t] === 0 || !(mass[row] > 0)) continue;
        const cell = cells[scenario[row] * T + t];
        const label = labels[row * T + t];
        cell.rows++;
        cell.positives += label;
        cell.mass += mass[row];
        cell.positiveMass += mass[row] * label;
        cell.offset += mass[row] * (offset?.[row * T + t] ?? 0);
      }
  });
  return cells;
}

/**
 * [C], of which the cells of the scenarios `from` .. `to - 1` are searched for; undefined for the others, and for a cell that has
 * too few positives or negatives.
 */
export async function fitCells(
  passes: Passes,
  [from, to]: readonly [number, number],
  counts: readonly CellCount[],
  { ridge, minCount }: CellOptions,
): Promise<(CellModel | undefined)[]> {
  const T = passes.tasks;
  const P = passes.columns.columns;
  const penalty = new Float64Array(P).fill(ridge);
  penalty[0] = 1e-6;
  const searches = counts.map(({ rows, positives, mass, positiveMass, offset }, c) => {
    const enough = Math.max(minCount, 1);
    if (c < from * T || c >= to * T || positives < enough || rows - positives < enough) return undefined;
    const b = new Float64Array(P);
    b[0] = Math.log(positiveMass / (mass - positiveMass)) - offset / mass;
    return new Newton(b, { iterations: 7, tolerance: 1e-4 });
  });
  while (searches.some((search) => search?.isOpen)) {
    await passes.each((part) => {
      const { rows: n, scenario, asked, mass, labels, design } = part;
      for (let row = 0; row < n; row++)
        for (let t = 0; t < T; t++) {
          const search = searches[scenario[row] * T + t];
          if (!search?.isOpen || asked[row * T + t] === 0 || !(mass[row] > 0)) continue;
          const p = sigmoid(logitAt(part, row * T + t, row, search.b));
          addOuter(design, row, mass[row] * p * (1 - p), search.hessian);
          addRow(design, row, mass[row] * (labels[row * T + t] - p), search.gradient);
        }
    });
    for (const search of searches) {
      if (!search?.isOpen) continue;
      for (let i = 0; i < P; i++) {
        search.hessian[i * P + i] += penalty[i];
        search.gradient[i] -= penalty[i] * search.b[i];
      }
      search.step();
    }
  }
  return searches.map((search) =>
    search?.state === 'done' ? { b: search.b, inverse: inverseOf(search.hessian, P) } : undefined,
  );
}
