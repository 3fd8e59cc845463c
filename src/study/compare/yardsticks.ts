/** Yardsticks of a data set, in the form in which a comparison tests models. */
import type { Comparison } from '../../config/load-compare.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { YARDSTICKS, type YardstickKey } from '../../yardsticks/contract.ts';
import { fitYardsticks } from '../../yardsticks/fit.ts';
import { type MeasuredYardstick, measureYardsticks } from '../../yardsticks/measure.ts';
import type { Answer } from './answers.ts';
import type { Measured } from './tests.ts';

export interface AnsweringYardstick extends MeasuredYardstick {
  /** As that of a model with one seed. */
  answer: Pick<Answer, 'seed' | 'logits'>;
}

/** Fits all of them, and keeps their logits of the test rows. */
export async function answersOfYardsticks(
  data: PreparedData,
  { evaluation }: Pick<Comparison, 'evaluation'>,
): Promise<AnsweringYardstick[]> {
  const { manifest } = data;
  const tasks = manifest.tasks.length;
  const fitted = await fitYardsticks(data, YARDSTICKS);
  const kept = fitted.map(() => new Float32Array(manifest.splits.test.rows * tasks));
  const takes = kept.map((all) => ({
    add: (batch: { size: number; row: Int32Array }, logits: ArrayLike<number>): void => {
      for (let i = 0; i < batch.size; i++)
        for (let t = 0; t < tasks; t++) all[batch.row[i] * tasks + t] = logits[i * tasks + t];
    },
  }));
  const measured = await measureYardsticks(fitted, manifest, await data.open('test'), evaluation, takes);
  return measured.map((one, i) => ({
    ...one,
    answer: {
      seed: 0,
      logits: ({ rows, task }) => Float32Array.from(rows, (row) => kept[i][row * tasks + task]),
    },
  }));
}

/** A yardstick has no seed: it stands against each seed of a model. */
export function withSeeds(measured: Measured, seeds: readonly number[], key: YardstickKey): Measured {
  const repeat = <T>(cells: T[][]): T[][] => cells.map(([only]) => seeds.map(() => only));
  return {
    model: { label: key },
    seeds: [...seeds],
    aucs: repeat(measured.aucs),
    placements: repeat(measured.placements),
    resampled: repeat(measured.resampled),
  };
}
