/** What models answered on the test rows, cell by cell: references are assembled from the trainings of their parts. */
import type { ComparedModel } from '../../config/load-compare.ts';
import type { Manifest } from '../../data/prepared/prepared.ts';
import type { GridJson } from '../../documents/grid.ts';
import { readLogits } from '../logits.ts';
import { type CellEnd, cellPaths } from './cell.ts';
import type { TestCell } from './test-rows.ts';

type Finished = Extract<CellEnd, { kind: 'finished' }>;

/** A model with one seed, all its trainings finished. */
export interface Answer {
  seed: number;
  trainings: Finished[];
  /** Metrics of each cell, scenario by scenario, task by task. */
  cells: GridJson['cells'];
  /** Logits of the rows of a cell. */
  logits(cell: TestCell): Float32Array;
}

export function answersOf(
  { label, by }: ComparedModel,
  ends: readonly CellEnd[],
  { scenarios, tasks, splits }: Manifest,
): Answer[] {
  const own = ends.filter(({ cell }) => cell.model === label);
  const seeds = [...new Set(own.map(({ cell }) => cell.seed))];
  return seeds.flatMap((seed) => {
    const ofSeed = own.filter(({ cell }) => cell.seed === seed);
    const trainings = ofSeed.filter((end): end is Finished => end.kind === 'finished');
    if (trainings.length < ofSeed.length) return [];
    /** Which training answers a cell. */
    const trainingOf = (scenario: number, task: number): Finished => {
      const part = by === 'task' ? tasks[task] : by === 'scenario' ? scenarios[scenario] : undefined;
      return trainings.find(({ cell }) => cell.part === part) as Finished;
    };
    const at = (index: number): [number, number] => [Math.floor(index / tasks.length), index % tasks.length];
    return [
      {
        seed,
        trainings,
        cells: Array.from({ length: scenarios.length * tasks.length }, (_, i) => {
          const [scenario, task] = at(i);
          return trainingOf(scenario, task).result.grid.cells[i];
        }),
        logits({ scenario, task, rows }) {
          const { folder } = trainingOf(scenario, task).cell;
          const all = readLogits(cellPaths(folder).logits, splits.test.rows, tasks.length);
          return Float32Array.from(rows, (row) => all[row * tasks.length + task]);
        },
      },
    ];
  });
}
