/**
 * The end of a run: writes the finished model to a separate folder, reads it back and evaluates it on the test rows. Only then it
 * becomes the model of the run, and the report is written.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.ts';
import { seal } from '../../base/seal.ts';
import { reliabilityOf } from '../../documents/grid.ts';
import { trainingDocument } from '../../documents/result.ts';
import type { YardsticksDocument } from '../../documents/yardsticks.ts';
import type { Grid } from '../../evaluate/grid.ts';
import { weightTensors } from '../../inference/arena/weights.ts';
import { noChoices } from '../../inference/choices.ts';
import { describeData } from '../../inference/model/run-data.ts';
import { runMarkdown } from '../../report/run.ts';
import { type ModelDescription, moveModel, saveModel, streamModel } from '../../store/run/model-file.ts';
import { type RunRecord, runPaths } from '../../store/run/run-folder.ts';
import { runThrough } from '../../store/safetensors.ts';
import { ScoreSample } from '../../yardsticks/interval.ts';
import { measureTest, measureTogether } from '../measure-finished.ts';
import { LOG_VARIANCE } from '../weighting/uncertainty.ts';
import { holdAgainstYardsticks } from '../yardsticks.ts';
import { timed } from './clock.ts';
import { runDocument } from './describe-run.ts';
import type { ResultEvent } from './events.ts';
import type { Setup } from './setup.ts';
import { type LoopState, streamed } from './state.ts';

/** @throws MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE; the run then keeps its previous model */
export async function finishRun(run: {
  folder: string;
  record: RunRecord;
  setup: Setup;
  state: LoopState;
  epochs: ResultEvent['epochs'];
}): Promise<ResultEvent> {
  const { folder, setup, state } = run;
  const { manifest } = setup.data;
  const model = { ...setup.options, key: setup.model.key };
  const started = performance.now();
  state.parts ??= {};
  const { parts } = state;
  const choices = noChoices(manifest.scenarios.length);
  const staging = join(folder, STAGING);
  let grid: Grid;
  let yardsticks: YardsticksDocument | undefined;
  let seconds: number;
  try {
    await saveFinished(staging, setup, { version: 1, model, data: describeData(manifest) });
    const isHeld = setup.config.yardsticks !== 'none';
    const sample = isHeld ? new ScoreSample(manifest.splits.test.rows, manifest.tasks.length) : undefined;
    grid = await timed(parts, 'test rows', () => measureTest(staging, setup, choices, sample));
    seconds = state.seconds + (performance.now() - started) / 1000;
    const kept = runPaths(folder).yardsticks;
    if (sample !== undefined)
      yardsticks = await timed(parts, 'yardsticks', () =>
        holdAgainstYardsticks(setup, { grid, sample }, { split: 'test', kept }),
      );
    rmSync(kept, { force: true });
    moveModel(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  const result: ResultEvent = {
    event: 'result',
    run: folder,
    split: 'test',
    grid,
    seconds,
    epochs: run.epochs,
    ...(yardsticks && { yardsticks }),
  };
  const document = {
    ...runDocument(run.record, setup, state, trainingDocument(result), choices, folder),
    reliability: reliabilityOf(grid),
  };
  writeFileAtomic(runPaths(folder).result, seal(document));
  writeFileAtomic(runPaths(folder).report, runMarkdown(document));
  return result;
}

/** Folder of the finished model until it is measured. */
const STAGING = 'finishing';

/** Writes the weights as a finished model. */
async function saveFinished(folder: string, setup: Setup, description: ModelDescription): Promise<void> {
  const tensors = finishedTensors(setup);
  if (setup.weights.tables.shards === undefined) saveModel(folder, description, tensors);
  else await streamModel(folder, description, streamed(setup.ranks, tensors));
}

const finishedTensors = ({ weights }: Setup) => weightTensors(weights).filter(([name]) => name !== LOG_VARIANCE);

/**
 * Takes part in finishRun, which rank 0 runs, where each rank has a part of the tables: in writing the model, and in measuring it on the
 * test rows.
 */
export async function helpFinish(setup: Setup): Promise<void> {
  await runThrough(streamed(setup.ranks, finishedTensors(setup)));
  await measureTogether(setup, undefined, { choices: noChoices(setup.data.manifest.scenarios.length) });
}
