/** Measures a finished run's model. */
import type { SplitName } from '../config/dataset.ts';
import type { Grid } from '../evaluate/grid.ts';
import { createGrid } from '../evaluate/index.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { openModel } from './finished.ts';
import { describeData, openRunData } from './run-data.ts';
import { evaluateSplit } from './scorer.ts';

/**
 * The grid of a split, and the seconds it took.
 *
 * @param options.data folder of the prepared data set, where it is not the one that the run recorded
 * @throws what openRunData and openModel throw
 */
export async function evaluateRun(
  run: string,
  split: SplitName,
  { data: folder, backend }: { data?: string } & Pick<SessionOptions, 'backend'> = {},
): Promise<{ grid: Grid; seconds: number }> {
  const started = performance.now();
  const data = await openRunData(run, folder);
  const { scenarios, tasks, hasGroup } = data.manifest;
  const model = await openModel(run, { backend, data: describeData(data.manifest) });
  const reader = await data.open(split);
  try {
    const grid = await evaluateSplit(model.context, reader, createGrid({ scenarios, tasks, hasGroup }));
    return { grid, seconds: (performance.now() - started) / 1000 };
  } finally {
    await reader.close();
    await model.close();
  }
}
