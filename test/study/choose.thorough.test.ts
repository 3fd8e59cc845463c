/** The automatic choice of a model on real data, stopped, killed and resumed. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../src/config/run.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { ChoiceDocument } from '../../src/documents/choice.ts';
import { openRun, readChoice, readMetrics, runPaths } from '../../src/store/run/run-folder.ts';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import type { StoredTensor } from '../../src/store/tensors.ts';
import { runChoice } from '../../src/study/choose/choose.ts';
import type { ChoiceEvent } from '../../src/study/choose/events.ts';
import { type Choosing, createChoice, isChoosing } from '../../src/study/choose/folder.ts';
import { newChoice } from '../../src/study/choose/start.ts';
import { runTraining } from '../../src/train/run/run.ts';
import { prepareSmall, temporaryFolder } from '../train/support.ts';

const folder = temporaryFolder();
let data: string;
let hash: string;
beforeAll(async () => {
  data = await prepareSmall(folder.path);
  ({ hash } = (await openPrepared(data)).manifest);
});
afterAll(folder.remove);

const TRAIN = { batchSize: 100, evaluationBatchSize: 64, learningRate: 0.01, maxEpochs: 4, validationsPerEpoch: 2 };
const configOf = (model: object, train: object = {}) =>
  runSchema.parse({ model, train: { ...TRAIN, ...train }, seed: 2 });
const SMALL = configOf({ key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [4] });
const LARGE = configOf({ key: 'mmoe', embeddingDim: 4, expertDims: [8], towerDims: [4], experts: 2 });

const planned = (config: typeof SMALL, steps: number): Choosing['candidates'][number] => ({
  model: config.model.key,
  config,
  steps,
  passes: steps / 6,
  price: 1,
});

const make = (name: string, candidates: Choosing['candidates'], more: Partial<Choosing> = {}): string =>
  createChoice(
    {
      data: { name: 'small', folder: data, hash },
      budget: 10,
      candidates,
      leftOut: [],
      yardsticks: ['priors', 'logistic'],
      yardsticksLeftOut: ['trees'],
      ...more,
    },
    { folder: join(folder.path, name) },
  );

const request = (run: string, events: ChoiceEvent[] = []) => ({
  folder: run,
  emit: (event: ChoiceEvent) => void events.push(event),
  shouldStop: () => false,
});

/** Without times. */
const timeless = (document: ChoiceDocument | undefined): unknown => ({
  ...document,
  seconds: 0,
  candidates: document?.candidates.map((candidate) => ({ ...candidate, seconds: 0 })),
});

test('candidates are compared on validation rows, and the chosen one goes on in the folder of the run', async () => {
  const run = make('auto', [planned(SMALL, 9), planned(LARGE, 9)]);
  expect(isChoosing(run)).toBe(true);
  expect(() => openRun(run)).toThrow(expect.objectContaining({ code: 'RUN_CHOOSING' }));
  const events: ChoiceEvent[] = [];
  expect(await runChoice(request(run, events))).toBe(true);
  expect(isChoosing(run)).toBe(false);
  const choice = readChoice(run) as ChoiceDocument;
  expect(choice.candidates.map(({ model, steps, ended }) => ({ model, steps, ended }))).toEqual([
    { model: 'shared-bottom', steps: 9, ended: false },
    { model: 'mmoe', steps: 9, ended: false },
  ]);
  const [first, second] = choice.candidates.map(({ grid }) => grid?.macro.auc as number);
  const best = choice.candidates[first >= second ? 0 : 1];
  expect(best.behind).toBeNull();
  expect(choice.candidates[first >= second ? 1 : 0].behind?.difference).toBeCloseTo(-Math.abs(first - second), 12);
  expect(choice.yardsticks?.measured.map(({ key }) => key)).toEqual(['priors', 'logistic']);
  const kinds = [...new Set(events.map(({ event }) => event))];
  expect(kinds).toEqual(['choosing', 'trial', 'candidate', 'working', 'choice']);

  expect(openRun(run)).toMatchObject({ id: 'auto', model: choice.chosen });
  const before = readMetrics(run);
  expect(before.at(-1)).toMatchObject({ kind: 'validation', step: 9 });
  const files = ['checkpoints', 'choice.json', 'metrics.jsonl', 'run.json', 'timings.jsonl'];
  expect(readdirSync(run).sort()).toEqual([...files, 'yardsticks.safetensors']);
  const result = await runTraining({ folder: run, emit: () => {}, shouldStop: () => false });
  expect(result.event).toBe('result');
  expect(readMetrics(run).slice(0, before.length)).toEqual(before);
  const report = readFileSync(runPaths(run).report, 'utf8');
  expect(report).toContain('## Why this model');
  expect(report).toContain(`hosen: ${choice.chosen}`);
});

test('stopped anywhere and resumed, it makes the same choice; a finished trial is not trained again', async () => {
  const plan = [planned(SMALL, 9), planned(LARGE, 9)];
  const whole = make('whole', plan);
  await runChoice(request(whole));
  const broken = make('broken', plan);
  let steps = 0;
  expect(await runChoice({ ...request(broken), shouldStop: () => ++steps === 4 })).toBe(false);
  expect(isChoosing(broken)).toBe(true);
  steps = 0;
  expect(await runChoice({ ...request(broken), shouldStop: () => ++steps === 9 })).toBe(false); // in the second trial
  const events: ChoiceEvent[] = [];
  expect(await runChoice(request(broken, events))).toBe(true);
  expect(timeless(readChoice(broken))).toEqual(timeless(readChoice(whole)));
  expect(readFileSync(runPaths(broken).metrics, 'utf8')).toBe(readFileSync(runPaths(whole).metrics, 'utf8'));
  const trained = events.filter(
    (event) => event.event === 'trial' && event.model === 'shared-bottom' && event.training.event === 'validation',
  );
  expect(trained).toEqual([]);
});

test('killed while the choice is carried out, the same call carries it out', async () => {
  const run = make('killed', [planned(SMALL, 7), planned(LARGE, 7)]);
  await runChoice(request(run));
  const made = readChoice(run) as ChoiceDocument;
  // As if only the logs had been moved.
  const again = make('again', [planned(SMALL, 7), planned(LARGE, 7)]);
  let steps = 0;
  await runChoice({ ...request(again), shouldStop: () => ++steps === 14 });
  writeFileSync(runPaths(again).choice, readFileSync(runPaths(run).choice));
  const from = join(again, 'candidates', made.chosen);
  writeFileSync(runPaths(again).metrics, readFileSync(runPaths(from).metrics));
  rmSync(runPaths(from).metrics);
  expect(isChoosing(again)).toBe(true);
  expect(await runChoice(request(again))).toBe(true);
  expect(existsSync(join(again, 'candidates'))).toBe(false);
  const result = await runTraining({ folder: again, emit: () => {}, shouldStop: () => false });
  expect(result.event).toBe('result');
});

test('yardsticks are fitted once: the result has those of the choice, and those that it left out', async () => {
  const config = runSchema.parse({ ...SMALL, yardsticks: 'all' });
  const run = make('once', [planned(config, 7), planned(LARGE, 3)]);
  await runChoice(request(run));
  const { yardsticks: kept } = runPaths(run);
  const train = (to: string) => runTraining({ folder: to, emit: () => {}, shouldStop: () => false });
  // Answers of 0 in place of the priors: what is measured in the end comes from the file.
  const { tensors, metadata } = readSafetensors(kept);
  const priors = tensors.get('priors') as StoredTensor;
  cpSync(run, join(folder.path, 'changed'), { recursive: true });
  const changed = [...tensors].map(([name, tensor]) =>
    name === 'priors'
      ? ([name, { ...priors, data: new Float32Array(priors.data.length) }] as const)
      : ([name, tensor] as const),
  );
  writeSafetensors(runPaths(join(folder.path, 'changed')).yardsticks, changed, metadata);
  cpSync(run, join(folder.path, 'damaged'), { recursive: true });
  writeFileSync(runPaths(join(folder.path, 'damaged')).yardsticks, 'nothing');

  const [whole, other, fresh] = await Promise.all(
    [run, join(folder.path, 'changed'), join(folder.path, 'damaged')].map(train),
  );
  const measured = (end: typeof whole) => ('yardsticks' in end ? end.yardsticks?.measured : undefined);
  expect(measured(whole)?.map(({ key }) => key)).toEqual(['priors', 'logistic', 'trees']);
  expect(measured(whole)).toEqual(measured(fresh));
  expect(measured(other)?.[0].grid.macro.logloss).toBeCloseTo(Math.log(2), 6);
  expect(measured(other)?.slice(1)).toEqual(measured(whole)?.slice(1));
  expect(existsSync(kept)).toBe(false);
});

test('a candidate that breaks down is left behind; a single one is taken without a trial', async () => {
  const broken = configOf(SMALL.model, { optimizer: 'sgd', learningRate: 1e30 });
  const run = make('breakdown', [planned(broken, 9), planned(LARGE, 9)]);
  await runChoice(request(run));
  const choice = readChoice(run);
  expect(choice).toMatchObject({ chosen: 'mmoe', because: 'only' });
  expect(choice?.candidates[0]).toMatchObject({ grid: null, failure: expect.stringContaining('is not finite') });

  const alone = make('alone', [planned(SMALL, 9)], { leftOut: [{ model: 'mmoe', because: 'budget', price: 3 }] });
  await runChoice(request(alone));
  expect(readChoice(alone)).toMatchObject({ chosen: 'shared-bottom', because: 'only', candidates: [] });
  expect(existsSync(join(alone, 'metrics.jsonl'))).toBe(false);
});

test('the plan follows data, options and budget; what does not fit names its candidate', async () => {
  const prepared = await openPrepared(data);
  const at = (name: string) => ({ folder: join(folder.path, name) });
  const read = (run: string): Choosing => JSON.parse(readFileSync(runPaths(run).choosing, 'utf8'));
  const ample = read(await newChoice(prepared, { set: ['train.batchSize=100'], flags: { seed: 7 } }, 120, at('ample')));
  expect(ample.candidates.map(({ model }) => model)).toEqual(['shared-bottom', 'streams', 'mmoe', 'autoifs']);
  expect(ample.candidates.map(({ config: { seed } }) => seed)).toEqual([7, 7, 7, 7]);
  expect(ample.yardsticks).toEqual(['priors', 'logistic', 'trees']);
  const tight = read(await newChoice(prepared, {}, 0.2, at('tight')));
  expect(tight.candidates.map(({ model }) => model)).toEqual(['shared-bottom']);
  expect(tight.leftOut.map(({ model, because }) => [model, because])).toEqual([
    ['streams', 'budget'],
    ['mmoe', 'budget'],
    ['autoifs', 'budget'],
  ]);
  await expect(newChoice(prepared, { set: ['model.sharedDims=[4]'] }, 120, at('wrong'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('the run configuration of the candidate shared-bottom'),
  });
  await expect(newChoice(prepared, { set: ['train.tasks=["sale"]'] }, 120, at('wrong'))).rejects.toThrow('sale');
  expect(existsSync(at('wrong').folder)).toBe(false);
});
