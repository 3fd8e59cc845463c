/**
 * AUC of the new model against that of the model that serves, on the same rows: in each cell, and as a mean over the cells. Rows of
 * one unit are not independent, so whole units are drawn (`evaluate/significance/bootstrap.ts`).
 */

import { mean } from '../../base/numbers.ts';
import type { Judgement } from '../../documents/loop/round.ts';
import { bootstrapAuc, bootstrapTest, placements } from '../../evaluate/significance/index.ts';
import type { TestCell, TestRows } from '../../study/compare/test-rows.ts';
import type { DayLogits } from './logits.ts';

export interface AucRule {
  /** Cells with fewer labels of 1, or of 0, are not judged. */
  minPositives: number;
  resamples: number;
}

type Compared = Pick<Judgement, 'auc' | 'cells'>;

/** `tasks`: of the rows. A task that the model that serves does not have is not judged. */
export function compareAuc(
  rows: TestRows,
  { scenarios, tasks }: { scenarios: readonly string[]; tasks: readonly string[] },
  { serving, next }: { serving: DayLogits; next: DayLogits },
  { minPositives, resamples }: AucRule,
): Compared {
  const counted = rows.cells.map((cell) => {
    const positives = cell.labels.reduce((sum, label) => sum + label, 0);
    const negatives = cell.labels.length - positives;
    const isJudged = Math.min(positives, negatives) >= minPositives && serving.tasks.includes(tasks[cell.task]);
    return { cell, positives, negatives, isJudged };
  });
  const judged = counted.filter(({ isJudged }) => isJudged).map(({ cell }) => cell);
  const scores = judged.map((cell) => [serving, next].map((model) => scoresOf(model, cell, tasks)));
  const aucs = judged.map(({ labels }, i) => scores[i].map((of) => (placements(of, labels) as { auc: number }).auc));
  const cells = judged.map(({ labels, groups }, i) => ({ labels, groups, scores: scores[i] }));
  const draws = bootstrapAuc(cells, { groups: rows.groups.count, resamples });
  const differences = draws.map(([before, after]) => after.map((auc, i) => auc - before[i]));
  const tested = judged.map((cell, i) => ({ cell, serving: aucs[i][0], next: aucs[i][1], draws: differences[i] }));
  return {
    auc: {
      serving: meanOrNull(tested.map((one) => one.serving)),
      next: meanOrNull(tested.map((one) => one.next)),
      difference: differenceOf(
        mean(tested.map((one) => one.next - one.serving)),
        Float64Array.from({ length: resamples }, (_, r) => mean(differences.map((of) => of[r]))),
      ),
    },
    cells: counted.map(({ cell, positives, negatives }) => {
      const own = tested.find((one) => one.cell === cell);
      const difference = own && differenceOf(own.next - own.serving, own.draws);
      return {
        scenario: scenarios[cell.scenario],
        task: tasks[cell.task],
        positives,
        negatives,
        auc: own && difference ? { serving: own.serving, next: own.next, difference } : null,
      };
    }),
  };
}

const meanOrNull = (values: readonly number[]): number | null => (values.length === 0 ? null : mean(values));

function differenceOf(value: number, draws: Float64Array): Compared['auc']['difference'] {
  const test = Number.isNaN(value) ? undefined : bootstrapTest(value, draws);
  return test === undefined ? null : { value, low: test.low, high: test.high };
}

/** Logits of a cell's rows. */
function scoresOf(model: DayLogits, { rows, task }: TestCell, tasks: readonly string[]): Float32Array {
  const column = model.tasks.indexOf(tasks[task]);
  return Float32Array.from(rows, (row) => model.logits[row * model.tasks.length + column]);
}
