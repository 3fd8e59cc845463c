/** Runs that are not finished, and runs and data that lie elsewhere than they did. */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { gridToJson } from '../../../src/documents/grid.ts';
import { exportRun, selectRun } from '../../../src/export/export.ts';
import { measureFlows } from '../../../src/export/select/flows.ts';
import { describeData } from '../../../src/inference/model/run-data.ts';
import { loadRunModel, type WeightsEvent } from '../../../src/inference/model/trained.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { exportWeights } from '../../../src/interop/exchange.ts';
import { openArtifact } from '../../../src/store/artifact/open.ts';
import { listCheckpoints, loadCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import { openRun } from '../../../src/store/run/run-folder.ts';
import { evaluateRun } from '../../../src/train/evaluate-run.ts';
import { runTraining } from '../../../src/train/run/run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
let data: string;

/** Trains until a stop is asked for after so many steps. */
async function trainSteps(run: string, steps: number, place: { data?: string } = {}): Promise<void> {
  let done = 0;
  await runTraining({ folder: run, ...place, emit: () => {}, shouldStop: () => ++done >= steps });
}

beforeAll(async () => {
  data = await prepareSmall(folder.path);
  // 6 steps an epoch, 3 epochs of search: `best` is of the first or second epoch of the last phase.
  for (const name of ['stopped', 'searching']) await makeRun(at(name), data);
  await trainSteps(at('stopped'), 33);
  await trainSteps(at('searching'), 8);
});
afterAll(() => folder.remove());

test('a run that is not finished answers by its best checkpoint, and says so', async () => {
  const run = at('stopped');
  const best = loadCheckpoint(join(run, 'checkpoints'), 'best');
  const told: string[] = [];
  const source = {
    onEvent(event: WeightsEvent | { event: 'step' | 'progress' }) {
      if (event.event === 'weights') told.push(event.checkpoint.name);
    },
  };

  const evaluated = await evaluateRun(run, 'validation', source);
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const epochs = lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'epoch');
  const epoch = epochs.findLast(({ phase, best: own }) => phase === 'retrain' && own);
  expect(best.position).toMatchObject({ phase: 'retrain', epoch: epoch.epoch });
  const { auc } = gridToJson(evaluated.grid).macro;
  expect(auc).toBeCloseTo(epoch.validation.macro.auc, 6);

  await measureFlows(run, 'train', source);
  await predictRun(run, { input: at('data.csv'), output: at('scores.parquet'), ...source });
  const exported = await exportRun(run, { out: at('artifact'), ...source });
  await selectRun(run, { out: at('selected'), ...source });
  await exportWeights(run, at('weights.safetensors'), source);
  expect(told).toEqual(new Array(6).fill('best'));
  expect(exported.manifest.run).toMatchObject({ id: 'stopped', checkpoint: 'best' });
  expect(exported.manifest.metrics).toBeUndefined();
  await openArtifact(at('artifact'));
  await openArtifact(at('selected'));
});

test('--checkpoint names another one, of the last phase alone', async () => {
  const run = at('stopped');
  const numbered = listCheckpoints(join(run, 'checkpoints')).filter(({ name }) => /^\d+$/.test(name));
  const newest = await evaluateRun(run, 'validation', { checkpoint: numbered[0].name });
  expect(gridToJson(newest.grid).macro.auc).not.toBeNull();
  await expect(evaluateRun(run, 'test', { checkpoint: 'rewind' })).rejects.toMatchObject({ code: 'CHECKPOINT_PHASE' });
  await expect(evaluateRun(run, 'test', { checkpoint: '000099' })).rejects.toMatchObject({
    code: 'CHECKPOINT_MISSING',
  });
});

test('the weights of a checkpoint are those of the model, without what training keeps next to them', async () => {
  const train = { searchEpochs: 1, maxEpochs: 2, idDecay: { item: 2 }, weightAverage: 0.9 };
  const run = await makeRun(at('averaged'), data, { train });
  await trainSteps(run, 9);
  const [{ name }] = listCheckpoints(join(run, 'checkpoints')).filter((one) => /^\d+$/.test(one.name));
  expect([...loadCheckpoint(join(run, 'checkpoints'), name).tensors.keys()]).toContain('average.dense');
  const { manifest } = await openPrepared(data);
  const { tensors } = loadRunModel(run, openRun(run), describeData(manifest), { checkpoint: name });
  expect([...tensors.keys()].filter((tensor) => /idDecay|average|moment/.test(tensor))).toEqual([]);
});

test('a run without a best checkpoint has no model, and says what to do', async () => {
  const failure = exportRun(at('searching'), { out: at('nothing') });
  await expect(failure).rejects.toMatchObject({ code: 'MODEL_MISSING', exitCode: 4 });
  await expect(failure).rejects.toThrow(/no finished model yet, and no best checkpoint.*tributary resume/);
  expect(existsSync(at('nothing'))).toBe(false);
});

test('a checkpoint of a finished run can be had by name, and its artifact has no test metrics', async () => {
  const run = await makeRun(at('finished'), data, { train: { maxEpochs: 2, patience: 2 } });
  await trainWithStops(run);
  expect((await exportRun(run, { out: at('whole') })).manifest).toMatchObject({ metrics: expect.anything() });
  const { manifest } = await exportRun(run, { out: at('of-best'), checkpoint: 'best' });
  expect(manifest.metrics).toBeUndefined();
  // The finished model is the best one.
  const { tensors } = loadModel(run);
  const best = loadCheckpoint(join(run, 'checkpoints'), 'best').tensors;
  for (const [name, { data: numbers }] of tensors) expect(best.get(name)?.data, name).toEqual(numbers);
});

test('a run goes on with its data in another folder, to the same bits, and with no other data', async () => {
  const moved = at('elsewhere');
  const own = at('own-data');
  cpSync(data, own, { recursive: true });
  const [whole, stopped] = [await makeRun(at('whole-run'), own), await makeRun(at('stopped-run'), own)];
  await trainWithStops(whole);
  await trainSteps(stopped, 8);
  renameSync(own, moved);

  const without = trainSteps(stopped, 1);
  await expect(without).rejects.toMatchObject({ code: 'RUN_DATA_MISSING', exitCode: 2 });
  await expect(without).rejects.toThrow(/own-data, which is not a prepared data set now.*--data/);
  await expect(evaluateRun(stopped, 'test')).rejects.toMatchObject({ code: 'RUN_DATA_MISSING' });
  const other = await prepareSmall(folder.path, 300, 20, 'other');
  const wrong = trainSteps(stopped, 1, { data: other });
  await expect(wrong).rejects.toMatchObject({ code: 'RUN_OTHER_DATASET' });
  await expect(wrong).rejects.toThrow(/--data/);
  await expect(trainSteps(stopped, 1, { data: at('nowhere') })).rejects.toMatchObject({ code: 'DATA_NOT_PREPARED' });

  await trainSteps(stopped, Number.POSITIVE_INFINITY, { data: moved });
  for (const name of ['model.safetensors', 'metrics.jsonl'])
    expect(readFileSync(join(stopped, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
});

test('a run that was moved, copied or renamed works on', async () => {
  const run = await makeRun(at('before'), data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainSteps(run, 4);
  mkdirSync(at('deep'));
  cpSync(run, at('deep/copy with spaces'), { recursive: true });
  renameSync(run, at('renamed'));
  for (const name of ['deep/copy with spaces', 'renamed']) {
    await trainWithStops(at(name));
    await evaluateRun(at(name), 'test');
    await exportRun(at(name), { out: at(`${name}-artifact`) });
  }
  expect(loadModel(at('renamed')).tensors).toEqual(loadModel(at('deep/copy with spaces')).tensors);
  rmSync(at('deep'), { recursive: true });
});
