/** Measures a finished run's model. */
import type { SplitName } from '../config/dataset.ts';
import type { Grid } from '../evaluate/grid.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { type ChoiceCounts, noChoices } from './choices.ts';
import { openModel } from './finished.ts';
import { describeData, newGrid, openRunData } from './run-data.ts';
import type { RunSource } from './run-model.ts';
import { evaluateSplit } from './scorer.ts';

export interface EvaluatedRun {
  grid: Grid;
  /** What rows chose, where the model chooses. */
  choices: ChoiceCounts | undefined;
  seconds: number;
}

/**
 * Measures the model of a run on a split.
 *
 * @throws what openRunData and openModel throw
 */
export async function evaluateRun(
  run: string,
  split: SplitName,
  { backend, ...source }: RunSource & Pick<SessionOptions, 'backend'> = {},
): Promise<EvaluatedRun> {
  const started = performance.now();
  const data = await openRunData(run, source.data);
  const model = await openModel(run, { backend, data: describeData(data.manifest), source, choices: true });
  const reader = await data.open(split);
  try {
    const choices = noChoices(data.manifest.scenarios.length);
    const grid = await evaluateSplit(model.context, reader, newGrid(data.manifest), choices);
    const chose = Object.keys(choices.chosen).length > 0;
    return { grid, choices: chose ? choices : undefined, seconds: (performance.now() - started) / 1000 };
  } finally {
    await reader.close();
    await model.close();
  }
}
