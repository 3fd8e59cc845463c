/** Means over the cells of a grid: which cells count, and how much. */

/** A cell with few rows of one class has an AUC that says little: one positive moves it by half of its range. */
export interface MeansRule {
  /** Cells with fewer labels of 1, or of 0, are left out of means and of early stopping. */
  minPositives: number;
  minNegatives: number;
  /** Cells count equally, or by their labels of 1. */
  weights: 'equal' | 'positives';
}

/** Every cell counts equally. */
export const ALL_CELLS: MeansRule = { minPositives: 0, minNegatives: 0, weights: 'equal' };

/** What a rule makes of the cells of a grid. */
export interface CellWeights {
  /** Of each cell; 0: it is left out. */
  weights: number[];
  /** No cell has the minimum: all count equally, whatever the rule says. */
  fallback: boolean;
}

interface CountedCell {
  /** Rows with a label. */
  rows: number;
  positives: number;
}

const hasMinimum = ({ rows, positives }: CountedCell, { minPositives, minNegatives }: MeansRule): boolean =>
  positives >= minPositives && rows - positives >= minNegatives;

export function cellWeights(cells: readonly CountedCell[], rule: MeansRule): CellWeights {
  const weightOf = (cell: CountedCell): number => (rule.weights === 'positives' ? cell.positives : 1);
  const weights = cells.map((cell) => (hasMinimum(cell, rule) ? weightOf(cell) : 0));
  const fallback = weights.every((weight) => weight === 0);
  return { weights: fallback ? cells.map(() => 1) : weights, fallback };
}

/** Mean over the cells that have a value and count; null where none does. */
export function weightedMean(values: readonly (number | null)[], weights: readonly number[]): number | null {
  let sum = 0;
  let total = 0;
  values.forEach((value, i) => {
    if (value === null || weights[i] === 0) return;
    sum += weights[i] * value;
    total += weights[i];
  });
  return total === 0 ? null : sum / total;
}

/** What a cell must have, in words. */
export const minimumText = ({ minPositives, minNegatives }: MeansRule): string =>
  `${Math.max(1, minPositives)} positive${minPositives > 1 ? 's' : ''} and ${minNegatives} negatives`;

/** A rule in words: `cells with at least 10 positives and 10 negatives`. */
export function ruleText(rule: MeansRule): string {
  const { minPositives, minNegatives, weights } = rule;
  const minimum = minPositives === 0 && minNegatives === 0 ? 'all cells' : `cells with at least ${minimumText(rule)}`;
  return weights === 'positives' ? `${minimum}, weighted by their positives` : minimum;
}
