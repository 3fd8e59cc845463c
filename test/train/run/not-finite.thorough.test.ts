/** What is not finite never becomes a checkpoint or a model, and is refused where an older version or an edit left it. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seal, unseal } from '../../../src/base/seal.ts';
import { exportRun, selectRun } from '../../../src/export/export.ts';
import { measureFlows } from '../../../src/export/select/flows.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import { exportWeights } from '../../../src/interop/exchange.ts';
import { latestCheckpoint, listCheckpoints, saveCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import { writeSafetensors } from '../../../src/store/safetensors.ts';
import type { StoredTensor } from '../../../src/store/tensors.ts';
import { evaluateRun } from '../../../src/train/evaluate-run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';

const folder = temporaryFolder();
const BATCH_NORM = { key: 'aitm', embeddingDim: 4, norm: 'batch' };
let data: string;
let counter = 0;
const newRun = (input?: Record<string, unknown>) => makeRun(join(folder.path, `run${++counter}`), data, input);
const checkpointsOf = (run: string): string => join(run, 'checkpoints');

beforeAll(async () => {
  data = await prepareSmall(folder.path, 400);
});
afterAll(() => folder.remove());

/** Changes numbers of the newest checkpoint, as an older version or an edit may leave them. */
function edit(run: string, change: (tensors: Map<string, StoredTensor>) => void): void {
  const newest = latestCheckpoint(checkpointsOf(run));
  if (newest === undefined) throw new Error('there is no checkpoint');
  change(newest.tensors);
  saveCheckpoint(checkpointsOf(run), { ...newest, name: undefined });
}

const fill = (tensors: Map<string, StoredTensor>, name: RegExp, value: number, count = 1): void => {
  const found = [...tensors].find(([own]) => name.test(own));
  if (found === undefined) throw new Error(`no tensor ${name} among ${[...tensors.keys()]}`);
  const numbers = found[1].data as Float32Array;
  numbers.fill(value, Math.max(0, numbers.length - count));
};

/** A run that was stopped after so many steps. */
async function stopped(steps: number, input?: Record<string, unknown>): Promise<string> {
  const run = await newRun(input);
  let done = 0;
  const { runTraining } = await import('../../../src/train/run/run.ts');
  await runTraining({ folder: run, emit: () => {}, shouldStop: () => ++done >= steps });
  return run;
}

test.each([
  ['adam', 1e6],
  ['sgd', 1e6],
  ['adamw', 1e38],
])('%s with learning rate %d: either a finite model or LOSS_NOT_FINITE', async (optimizer, learningRate) => {
  const run = await newRun({
    model: { key: 'mmoe', embeddingDim: 4 },
    train: { optimizer, learningRate, maxEpochs: 2 },
  });
  const failure = await trainWithStops(run).then(
    () => undefined,
    (cause) => cause,
  );
  if (failure !== undefined) expect(failure).toMatchObject({ code: 'LOSS_NOT_FINITE', exitCode: 5 });
  expect(existsSync(join(run, 'model.json'))).toBe(failure === undefined);
  expect(existsSync(join(run, 'model.safetensors'))).toBe(failure === undefined);
  expect(readdirSync(run).filter((name) => name.startsWith('finishing'))).toEqual([]);
  for (const { name } of listCheckpoints(checkpointsOf(run))) {
    const { loadCheckpoint } = await import('../../../src/store/run/checkpoint.ts');
    for (const { data: numbers } of loadCheckpoint(checkpointsOf(run), name).tensors.values())
      expect((numbers as Float32Array).every(Number.isFinite)).toBe(true);
  }
});

test.each([
  ['a parameter', {}, /^shared\.0\.kernel$/, Number.NaN],
  ['one row of the table', {}, /^embedding$/, Number.POSITIVE_INFINITY],
  ['a moment', {}, /^moment\.table\.2$/, Number.POSITIVE_INFINITY],
  ['a moving average', { model: BATCH_NORM }, /^buffer\./, Number.NEGATIVE_INFINITY],
])('resume refuses a checkpoint in which %s is not finite', async (_, input, name, value) => {
  const run = await stopped(3, input);
  edit(run, (tensors) => fill(tensors, name, value));
  const before = readdirSync(checkpointsOf(run));
  await expect(trainWithStops(run)).rejects.toMatchObject({ code: 'MODEL_NOT_FINITE', exitCode: 4 });
  await expect(trainWithStops(run)).rejects.toThrow(/--from/);
  expect(readdirSync(checkpointsOf(run))).toEqual(before);
});

test('an answer to validation rows that overflows ends training, and the checkpoint before is kept', async () => {
  const run = await stopped(2, { model: { key: 'mmoe', embeddingDim: 4 } });
  // Finite numbers whose product is not; the rows of this step do not have the id.
  edit(run, (tensors) => fill(tensors, /^embedding$/, 3e38, 400));
  const before = listCheckpoints(checkpointsOf(run)).map(({ name }) => name);
  await expect(trainWithStops(run)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE', exitCode: 5 });
  expect(listCheckpoints(checkpointsOf(run)).map(({ name }) => name)).toEqual(before);
  expect(existsSync(join(run, 'model.json'))).toBe(false);
});

test('a model whose answers to test rows are not finite is not written, and the one before stays', async () => {
  const run = await newRun({ model: { key: 'mmoe', embeddingDim: 4 }, train: { maxEpochs: 1 } });
  await trainWithStops(run);
  const whole = readFileSync(join(run, 'model.safetensors'));
  // The end of the run once more, from weights that overflow.
  const best = latestCheckpoint(checkpointsOf(run));
  if (best === undefined) throw new Error('there is no checkpoint');
  fill(best.tensors, /^embedding$/, 3e38, 1e6);
  saveCheckpoint(checkpointsOf(run), { ...best, state: null, name: 'best' });
  await expect(trainWithStops(run)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
  expect(readFileSync(join(run, 'model.safetensors')).equals(whole)).toBe(true);
  expect(loadModel(run).tensors.size).toBeGreaterThan(0);
  expect(readdirSync(run)).not.toContain('finishing');
});

/** Puts numbers into a finished model, with checksums that agree: what an older version wrote. */
function spoil(run: string, name: RegExp, value: number): void {
  const { tensors } = loadModel(run);
  fill(tensors, name, value);
  const weights = writeSafetensors(join(run, 'model.safetensors'), tensors);
  const content = unseal(readFileSync(join(run, 'model.json'), 'utf8'));
  if (!('value' in content)) throw new Error('the description is damaged');
  writeFileSync(join(run, 'model.json'), seal({ ...(content.value as object), weights }));
  rmSync(join(run, 'finished.json')); // it wrote none
}

test.each([
  ['NaN in a kernel', {}, /kernel$/, Number.NaN],
  ['infinity in one embedding row', {}, /^embedding$/, Number.POSITIVE_INFINITY],
  ['NaN in the frozen gate table', {}, /^gateEmbedding$/, Number.NaN],
  ['infinity in a moving average', { model: BATCH_NORM }, /^buffer\./, Number.POSITIVE_INFINITY],
])('a finished model with %s is refused by every command that reads one', async (_, input, name, value) => {
  const run = await newRun({ ...input, train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(run);
  spoil(run, name, value);
  const out = join(folder.path, 'never');
  const rows = join(folder.path, 'data.csv');
  const refused = { code: 'MODEL_NOT_FINITE', exitCode: 4 };
  await expect(evaluateRun(run, 'test')).rejects.toMatchObject(refused);
  await expect(predictRun(run, { input: rows, output: `${out}.parquet` })).rejects.toMatchObject(refused);
  await expect(exportRun(run, { out })).rejects.toMatchObject(refused);
  await expect(selectRun(run, { out })).rejects.toMatchObject(refused);
  await expect(measureFlows(run, 'test')).rejects.toMatchObject(refused);
  await expect(exportWeights(run, out)).rejects.toMatchObject(refused);
  const warm = await newRun({ ...input, warmStart: run });
  await expect(trainWithStops(warm)).rejects.toMatchObject(refused);
  expect(existsSync(out)).toBe(false);
  expect(existsSync(`${out}.parquet`)).toBe(false);
});
