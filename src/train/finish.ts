/** The end of a run: the finished model is written, evaluated on the test rows as it was written, and reported. */
import { saveModel } from '../artifact/model-file.ts';
import { type RunRecord, runPaths } from '../artifact/run-folder.ts';
import { writeFileAtomic } from '../base/files.ts';
import { noChoices } from './choices.ts';
import type { ResultEvent } from './events.ts';
import { openModel } from './finished.ts';
import { reportText } from './report.ts';
import { describeData, newGrid, openPart } from './run-data.ts';
import { evaluateSplit } from './scorer.ts';
import type { Setup } from './setup.ts';
import { type LoopState, weightTensors } from './state.ts';
import { LOG_VARIANCE } from './weighting/uncertainty.ts';

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
  const modelTensors = weightTensors(setup).filter(([name]) => name !== LOG_VARIANCE);
  saveModel(folder, { version: 1, model, data: describeData(manifest) }, modelTensors);

  const started = performance.now();
  const { backend, threads } = setup.config;
  const batchSize = setup.config.train.evaluationBatchSize;
  const finished = await openModel(folder, { backend, threads, batchSize, choices: true });
  const choices = noChoices(manifest.scenarios.length);
  const test = await openPart(setup.data, 'test', setup.config.train);
  const grid = await evaluateSplit(finished.context, test, newGrid(manifest), choices).finally(async () => {
    await test.close();
    await finished.close();
  });
  const seconds = state.seconds + (performance.now() - started) / 1000;
  const result: ResultEvent = { event: 'result', run: folder, split: 'test', grid, seconds, epochs: run.epochs };
  writeFileAtomic(runPaths(folder).report, reportText(run.record, setup, state, result, choices));
  return result;
}
