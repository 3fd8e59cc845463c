import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadRunConfig } from '../../src/config/load.ts';
import { loadTuneConfig, trialRun, writtenRun } from '../../src/config/load-tune.ts';
import type { Json } from '../../src/config/tune.ts';
import { models } from '../../src/model/registry.ts';

const tune = {
  data: 'data/shop',
  model: 'mmoe',
  space: { 'train.learningRate': { low: 1e-4, high: 1e-2, log: true } },
  method: { kind: 'random', trials: 5 },
};

/** Mistakes by path. */
async function problems(config: object, set: string[] = []): Promise<Record<string, string>> {
  const failure = await loadTuneConfig(config, { models, set }).then(
    () => ({ details: { problems: [] } }),
    (cause) => cause,
  );
  const found: { path: string; message: string }[] = failure.details.problems;
  return Object.fromEntries(found.map(({ path, message }) => [path, message]));
}

test('defaults, and settings over what is written', async () => {
  const loaded = await loadTuneConfig(tune, {
    models,
    set: ['method={"kind":"tpe","trials":7}', 'seed=3', 'options.seed=4', 'options.train.maxEpochs=9'],
  });
  expect(loaded).toMatchObject({
    seed: 3,
    options: { seed: 4, train: { maxEpochs: 9 } },
    method: { kind: 'tpe', startTrials: 10, parallel: 4 },
  });
});

test('all mistakes at once: of the search, of the run, and of every parameter as a part of it', async () => {
  const found = await problems({
    data: 'data/shop',
    model: 'mmoe',
    preset: 'fast',
    options: { train: { maxEpochs: 0 }, sed: 1 },
    space: {
      'train.learningRate': { low: 1, high: 0.1, log: 'yes' },
      'train.batchSize': { low: 64, high: 1000 },
      'train.patience': { low: 0, high: 5, int: true },
      'train.optimizer': { choices: ['adam', 'adagrad'], low: 1 },
      'train.lerningRate': { low: 0.1, high: 1 },
      'train.l2': { low: 0, high: 1, log: true, when: { 'train.optimzer': ['adamw'] } },
      'train.tableUpdates': { choices: ['lazy', 'dense'] },
      'train.momentum': { low: 0, high: 1, when: { 'train.tableUpdates': ['eager'], 'train.optimizer': ['sgd'] } },
      'train.monitor': { choices: ['auc'] },
      seed: { low: 1, high: 9, int: true },
      'train.schedule': { choices: [{ kind: 'constant' }, { kind: 'cosine', warmup: 3 }] },
      'train.schedule.kind': { choices: ['cosine'] },
      'train.beta1': {},
      'model.dropout': { low: 0, high: 2 },
      'model.experts': { low: 2.5, high: 8, int: true },
    },
    method: { kind: 'tpee', trials: 3 },
    workers: 3,
  });
  expect(found).toEqual({
    workers: expect.stringMatching(/^there is no such option/),
    'method.kind': expect.stringContaining('found "tpee"'),
    preset: expect.stringContaining('the model has no preset "fast"'),
    'options.train.maxEpochs': 'expected at least 1, found 0',
    'options.sed': 'there is no such option; the nearest is seed',
    'space.train.learningRate.log': 'expected true or false, found "yes"',
    'space.train.learningRate.high': 'expected more than low (1), found 0.1',
    'space.train.batchSize': expect.stringMatching(/^expected a whole number, .*; for whole numbers write int: true$/),
    'space.train.patience.low': 'expected at least 1, found 0',
    'space.train.optimizer.low': 'has no meaning beside choices',
    'space.train.lerningRate': 'there is no such option; the nearest is train.learningRate',
    'space.train.l2.low': 'expected more than 0 on a logarithmic scale, found 0',
    'space.train.l2.when.train.optimzer': 'expected a parameter with choices that stands before this one',
    'space.train.momentum.when.train.tableUpdates': '"eager" is not one of its choices',
    'space.train.momentum.when.train.optimizer': 'expected a parameter with choices that stands before this one',
    'space.train.momentum.high': 'expected less than 1, found 1',
    'space.train.monitor': 'cannot be searched: trials are compared by it',
    'space.seed': expect.stringContaining('cannot be searched: trials share a seed'),
    'space.train.schedule.choices.1.warmup': expect.stringMatching(/^there is no such option/),
    'space.train.schedule.kind': 'is a part of train.schedule, which is searched, too',
    'space.train.beta1': 'expected low and high, or choices',
    'space.model.dropout.high': 'expected less than 1, found 2',
    'space.model.experts.low': 'expected a whole number, found 2.5',
  });
});

test('a missing space, model or method; a model that does not exist is told once', async () => {
  expect(await problems({ data: 'd', space: {} })).toEqual({
    space: 'expected at least one parameter',
    method: expect.stringContaining('is missing'),
    'options.model.key': expect.stringContaining('is missing'),
  });
  const space = { 'model.experts': { low: 2, high: 4, int: true }, 'train.l2': { low: 0, high: 1 } };
  expect(await problems({ ...tune, model: 'mmoee', space })).toEqual({
    model: expect.stringContaining('found "mmoee"'),
  });
});

test('a searched model: its options are checked with each model that they meet', async () => {
  const keys = { choices: ['mmoe', 'single-task'] };
  const experts = { low: 2, high: 4, int: true };
  const { model: _, ...rest } = tune;
  const searching = (when?: object): object => ({
    ...rest,
    space: { 'model.key': keys, 'model.experts': { ...experts, when } },
  });
  expect(await problems(searching({ 'model.key': ['mmoe'] }))).toEqual({});
  expect(await problems(searching())).toEqual({ 'space.model.experts': expect.stringContaining('no such option') });
});

describe('the run of a trial', () => {
  const base = {
    model: 'autoifs',
    preset: 'ml-1m-fast',
    options: { seed: 5, train: { schedule: { kind: 'cosine', warmupSteps: 7 } } },
  };

  test('sets parameters over options over the preset, on one thread unless told otherwise', () => {
    const run = trialRun(base, models, { 'train.learningRate': 0.02, 'model.mlpDims': [8, 4] });
    expect(run).toMatchObject({ seed: 5, threads: 1, train: { learningRate: 0.02, schedule: { warmupSteps: 7 } } });
    expect(run.train.searchEpochs).toBe(3); // of the preset
    expect(run.model).toMatchObject({ key: 'autoifs', mlpDims: [8, 4] });
    expect(trialRun({ ...base, options: { threads: 3 } }, models, {}).threads).toBe(3);
  });

  test('as it is written it gives the same run, without a word of the preset', async () => {
    const parameters = fc.record(
      {
        'train.learningRate': fc.double({ min: 1e-5, max: 1, noNaN: true }),
        'train.schedule': fc.constantFrom<Json>({ kind: 'constant' }, { kind: 'warmup', steps: 3 }, { kind: 'cosine' }),
        'train.groups.gate.learningRateScale': fc.constantFrom(0.1, 1),
        'model.mlpDims': fc.constantFrom<Json>([16, 8, 4], [64, 32, 16, 8]),
        'model.dropout': fc.constantFrom(0, 0.3),
      },
      { requiredKeys: [] },
    );
    const presets = fc.constantFrom(undefined, ...Object.keys(models.get('autoifs')?.presets ?? {}));
    await fc.assert(
      fc.asyncProperty(parameters, presets, async (values, preset) => {
        const written = JSON.parse(JSON.stringify(writtenRun({ ...base, preset }, models, values)));
        expect({ ...(await loadRunConfig({ models, config: written })), threads: 1 }).toEqual(
          trialRun({ ...base, preset }, models, values),
        );
      }),
    );
  });
});
