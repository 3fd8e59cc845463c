/** How much better a model is than a yardstick on the same rows, with an interval. */
import type { Batch } from '../data/prepared/prepared.ts';
import { type Cell, cellWeights, type Grid, type MeansRule, numberOf, weightedMean } from '../evaluate/index.ts';
import {
  type BootstrapCell,
  bootstrapAuc,
  bootstrapTest,
  GroupNumbers,
  type Test,
} from '../evaluate/significance/index.ts';

/** Rows that the interval is taken from at most: the bootstrap goes over all of them many times. */
const MAX_ROWS = 200_000;
const RESAMPLES = 200;

/** Scores, labels and groups of test rows, evenly over the split. */
export class ScoreSample {
  readonly logits: number[] = [];
  readonly labels: number[] = [];
  readonly scenario: number[] = [];
  readonly group: number[] = [];
  readonly tasks: number;
  private readonly step: number;

  constructor(rows: number, tasks: number) {
    this.tasks = tasks;
    this.step = Math.max(1, Math.ceil(rows / MAX_ROWS));
  }

  /** Rows come in stored order, so that samples of two scorers are of the same rows. */
  add(batch: Pick<Batch, 'size' | 'row' | 'labels' | 'scenario' | 'group'>, logits: ArrayLike<number>): void {
    for (let i = 0; i < batch.size; i++) {
      if (batch.row[i] % this.step !== 0) continue;
      this.scenario.push(batch.scenario[i]);
      this.group.push(batch.group[i]);
      for (let t = 0; t < this.tasks; t++) {
        this.labels.push(batch.labels[i * this.tasks + t]);
        this.logits.push(logits[i * this.tasks + t]);
      }
    }
  }
}

/** The one with the highest mean AUC; undefined where none has one. */
export function bestOf<M extends { grid: Grid }>(measured: readonly M[]): M | undefined {
  const defined = measured.filter(({ grid }) => 'value' in grid.macro.auc);
  const auc = ({ grid }: M): number => numberOf(grid.macro.auc) ?? 0;
  return defined.reduce<M | undefined>(
    (best, one) => (best === undefined || auc(one) > auc(best) ? one : best),
    undefined,
  );
}

/**
 * Mean AUC of `model` minus that of `yardstick` over the cells that count in both grids: the difference on all rows, its interval
 * from a bootstrap of groups. The same of each cell. Undefined where no cell has both classes.
 */
export function marginOver(
  model: { sample: ScoreSample; grid: Grid },
  yardstick: { sample: ScoreSample; grid: Grid },
  rule: MeansRule,
): (Test & { cells: (CellMargin | null)[] }) | undefined {
  const { weights } = cellWeights(model.grid.cells, rule);
  const mean = ({ cells }: Grid): number | null =>
    weightedMean(
      cells.map(({ auc }) => numberOf(auc)),
      weights,
    );
  const [own, other] = [mean(model.grid), mean(yardstick.grid)];
  if (own === null || other === null) return undefined;
  const { cells, indices, counted, groups } = bootstrapCells(model.sample, yardstick.sample, weights);
  const draws = bootstrapAuc(cells, { groups, resamples: RESAMPLES });
  const resampled = Float64Array.from({ length: RESAMPLES }, (_, i) => {
    const differences = draws.map(([a, b]) => (Number.isNaN(a[i]) || Number.isNaN(b[i]) ? null : a[i] - b[i]));
    return weightedMean(differences, counted) ?? Number.NaN;
  });
  const margin = bootstrapTest(own - other, resampled);
  if (margin === undefined) return undefined;
  const found = model.grid.cells.map((cell, i) => cellMargin(cell, yardstick.grid.cells[i], draws[indices.indexOf(i)]));
  return { ...margin, cells: found };
}

interface Estimate {
  value: number;
  /** 95 %. */
  low: number;
  high: number;
}

/** AUC of a model in a cell, and its difference to that of a yardstick. */
export interface CellMargin {
  auc: Estimate;
  difference: Estimate;
}

/** `draws`: of both AUCs; undefined where the cell does not count. */
function cellMargin(own: Cell, other: Cell, draws: readonly Float64Array[] | undefined): CellMargin | null {
  const [a, b] = [numberOf(own.auc), numberOf(other.auc)];
  if (draws === undefined || a === null || b === null) return null;
  const auc = bootstrapTest(a, draws[0]);
  const difference = bootstrapTest(
    a - b,
    draws[0].map((x, i) => x - draws[1][i]),
  );
  if (auc === undefined || difference === undefined) return null;
  const estimate = ({ difference: value, low, high }: Test): Estimate => ({ value, low, high });
  return {
    auc: { ...estimate(auc), low: Math.max(0, auc.low), high: Math.min(1, auc.high) },
    difference: estimate(difference),
  };
}

/** Labelled rows by cell, of the cells that count; `indices`: which ones these are. */
function bootstrapCells(
  model: ScoreSample,
  yardstick: ScoreSample,
  weights: readonly number[],
): { cells: BootstrapCell[]; indices: number[]; counted: number[]; groups: number } {
  const { tasks, scenario, labels, group } = model;
  const numbers = new GroupNumbers();
  const lists = weights.map(() => ({
    labels: [] as number[],
    groups: [] as number[],
    scores: [[], []] as [number[], number[]],
  }));
  for (let row = 0; row < scenario.length; row++) {
    const number = numbers.of(group[row]);
    for (let t = 0; t < tasks; t++) {
      const at = row * tasks + t;
      if (Number.isNaN(labels[at])) continue;
      const list = lists[scenario[row] * tasks + t];
      list.labels.push(labels[at]);
      list.groups.push(number);
      list.scores[0].push(model.logits[at]);
      list.scores[1].push(yardstick.logits[at]);
    }
  }
  const kept = lists.map((_, cell) => cell).filter((cell) => weights[cell] > 0 && lists[cell].labels.length > 0);
  return {
    cells: kept.map((cell) => lists[cell]),
    indices: kept,
    counted: kept.map((cell) => weights[cell]),
    groups: numbers.count,
  };
}
