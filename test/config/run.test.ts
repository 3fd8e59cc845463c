import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TributaryError } from '../../src/base/errors/index.ts';
import { merge } from '../../src/config/files/override.ts';
import type { Problem } from '../../src/config/files/problems.ts';
import { loadDatasetConfig, loadRunConfig, type RunSources } from '../../src/config/load.ts';
import { runSchema } from '../../src/config/run.ts';
import { temporaryFolder } from '../store/temporary.ts';

const options = z.strictObject({
  key: z.literal('tiny').default('tiny'),
  width: z.int().min(1).default(8),
  dims: z.array(z.int().min(1)).default([4, 2]),
});
const presets = {
  wide: { model: { width: 64 }, train: { batchSize: 100, schedule: { kind: 'warmup', steps: 5 }, retrain: { l2: 1 } } },
};
const models = new Map([['tiny', { options, presets }]]);
const load = (sources: Omit<RunSources, 'models'> = {}) =>
  loadRunConfig({ models, flags: { model: { key: 'tiny' } }, ...sources });

/** The problems of a configuration, by path. */
async function problems(promise: Promise<unknown>): Promise<Record<string, string>> {
  const failure = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(failure instanceof TributaryError) || failure.code !== 'CONFIG_INVALID')
    throw failure ?? new Error('was accepted');
  expect(failure.exitCode).toBe(2);
  return Object.fromEntries(
    (failure.details as { problems: Problem[] }).problems.map(({ path, message }) => [path, message]),
  );
}

function file(name: string, text: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

describe('a run configuration', () => {
  test('has a default for everything but the model', async () => {
    const run = await load();
    expect(run).toEqual({
      model: { key: 'tiny', width: 8, dims: [4, 2] },
      yardsticks: 'quick',
      evaluate: { minPositives: 10, minNegatives: 10, weights: 'equal', k: 10 },
      seed: 1,
      backend: 'auto',
      train: {
        device: 'cpu',
        batchSize: 4096,
        evaluationBatchSize: 16384,
        optimizer: 'adam',
        learningRate: 3e-4,
        l2: 3e-5,
        weightDecay: 0,
        momentum: 0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        groups: { gate: { learningRateScale: 0.01, l2: 0 } },
        tableUpdates: 'lazy',
        tables: 'auto',
        idDecay: 'off',
        weightAverage: 0,
        schedule: { kind: 'constant' },
        shuffle: true,
        searchEpochs: 10,
        finalTemperature: 100,
        maxEpochs: 50,
        validationsPerEpoch: 1,
        patience: 1,
        monitor: 'auc',
        retrain: {},
        taskWeights: {},
        taskWeighting: { kind: 'fixed' },
        lossReduction: 'sum',
        checkpointMinutes: 10,
        metricsEverySteps: 50,
      },
    });
    // What a run folder holds is complete: read again it is the same.
    expect(runSchema.parse(JSON.parse(JSON.stringify(run)))).toEqual(run);
  });

  test('starts from what the caller makes of the data, unless a preset is named', async () => {
    const defaults = (model: string) => ({ model: { width: model.length }, train: { batchSize: 300, patience: 7 } });
    const run = await load({ defaults, set: ['train.patience=2'] });
    expect(run).toMatchObject({ model: { width: 4 }, train: { batchSize: 300, patience: 2 } });
    const preset = await load({ defaults, preset: 'wide' });
    expect(preset).toMatchObject({ model: { width: 64 }, train: { batchSize: 100, patience: 1 } });
  });

  test('takes each value from the last layer that has one', async () => {
    const config = { train: { batchSize: 200, learningRate: 1 }, seed: 5 };
    const flags = { model: { key: 'tiny' }, seed: 6, train: { learningRate: 2 } };
    const set = ['train.learningRate=3', 'train.taskWeights.click=2', 'train.groups.gate.l2=1e-5', 'model.dims=[9]'];
    const run = await load({ preset: 'wide', config, flags, set });
    expect(run.model).toEqual({ key: 'tiny', width: 64, dims: [9] });
    expect(run.seed).toBe(6);
    expect(run.train).toMatchObject({
      batchSize: 200,
      learningRate: 3,
      retrain: { l2: 1 },
      taskWeights: { click: 2 },
      groups: { gate: { learningRateScale: 0.01, l2: 1e-5 } },
      schedule: { kind: 'warmup', steps: 5 },
    });
    expect(presets.wide.train.batchSize).toBe(100);
  });

  test("a model's own training defaults give way to presets and whatever is written", async () => {
    const trainDefaults = { learningRate: 0.5, patience: 7, batchSize: 300 };
    const request = {
      models: new Map([['tiny', { options, presets, trainDefaults }]]),
      config: { model: { key: 'tiny' } },
    };
    const { learningRate, patience, batchSize, l2 } = (
      await loadRunConfig({ ...request, preset: 'wide', set: ['train.patience=3'] })
    ).train;
    expect({ learningRate, patience, batchSize, l2 }).toEqual({
      learningRate: 0.5,
      patience: 3,
      batchSize: 100,
      l2: 3e-5,
    });
  });

  test('a schedule of another kind takes nothing over from the one it replaces', async () => {
    const run = await load({ preset: 'wide', config: { train: { schedule: { kind: 'cosine' } } } });
    expect(run.train.schedule).toEqual({ kind: 'cosine', warmupSteps: 0, finalShare: 0 });
  });

  test('may name its model anywhere', async () => {
    expect((await loadRunConfig({ models, config: { model: { key: 'tiny' } }, preset: 'wide' })).model.width).toBe(64);
    expect((await loadRunConfig({ models, set: ['model.key=tiny'] })).model.width).toBe(8);
    expect(await problems(loadRunConfig({ models }))).toEqual({ 'model.key': 'is missing: expected "tiny"' });
    expect(await problems(loadRunConfig({ models, flags: { model: { key: 'tinny' } } }))).toEqual({
      'model.key': 'expected "tiny", found "tinny"',
    });
  });

  test('is frozen', async () => {
    const run = await load();
    expect(() => {
      (run.train.schedule as { kind: string }).kind = 'cosine';
    }).toThrow(TypeError);
  });
});

describe('mistakes', () => {
  test('are told all at once, by path, with what was expected and found', async () => {
    const found = await problems(
      load({
        preset: 'wider',
        config: {
          model: { width: 0, depth: 2 },
          train: {
            batchsize: 10,
            optimizer: 'adem',
            learningRate: '1e-3',
            shuffle: 'yes',
            searchEpochs: 3,
            rewindEpoch: 3,
            beta2: 1,
            schedule: { kind: 'linear' },
            taskWeights: { click: -1 },
            groups: { gate: { lr: 1 } },
            maxEpochs: null,
          },
          seeds: 3,
        },
        set: ['train.patience', 'train.learningrate=1', 'lr=2', 'backend=gpu'],
      }),
    );
    expect(found).toEqual({
      '--preset': 'the model has no preset "wider" (presets: wide)',
      'train.patience': 'expected path=value',
      'train.learningrate': 'there is no such option; the nearest is train.learningRate',
      lr: expect.stringMatching(/there is no such option; the nearest is train\./),
      backend: 'expected one of "auto", "node", "web", found "gpu"',
      seeds: 'there is no such option; the nearest is seed',
      'model.width': 'expected at least 1, found 0',
      'model.depth': 'there is no such option; the nearest is model.width',
      'train.batchsize': 'there is no such option; the nearest is train.batchSize',
      'train.optimizer': 'expected one of "adam", "adamw", "sgd", found "adem"',
      'train.learningRate': 'expected a number, found "1e-3"',
      'train.shuffle': 'expected true or false, found "yes"',
      'train.rewindEpoch': 'expected an epoch before searchEpochs (3), found 3',
      'train.beta2': 'expected less than 1, found 1',
      'train.schedule.kind': 'expected one of "constant", "warmup", "cosine", found "linear"',
      'train.taskWeights.click': 'expected more than 0, found -1',
      'train.groups.gate.lr': expect.stringContaining('there is no such option; the nearest is train.'),
      'train.maxEpochs': 'expected a number, found null',
    });
  });

  test('options of another optimizer are named', async () => {
    const config = { train: { optimizer: 'adamw', momentum: 0.9, groups: { gate: { weightDecay: 0.1 } } } };
    expect(await problems(load({ config }))).toEqual({
      'train.momentum': 'has an effect with the optimizer sgd only, found optimizer adamw',
    });
    expect(
      await problems(load({ config: { train: { weightDecay: 0.1, groups: { x: { weightDecay: 1 } } } } })),
    ).toEqual({
      'train.weightDecay': 'has an effect with the optimizer adamw only, found optimizer adam',
      'train.groups.x.weightDecay': 'has an effect with the optimizer adamw only, found optimizer adam',
    });
  });

  test('task weights beside a weighting that finds them itself are named', async () => {
    const train = (kind: string) => ({ config: { train: { taskWeights: { click: 2 }, taskWeighting: { kind } } } });
    for (const kind of ['uncertainty', 'dwa', 'gradnorm'])
      expect(await problems(load(train(kind)))).toEqual({
        'train.taskWeights': `has an effect with the taskWeighting fixed or pcgrad only, found ${kind}`,
      });
    for (const kind of ['fixed', 'pcgrad'])
      expect((await load(train(kind))).train).toMatchObject({ taskWeights: { click: 2 }, taskWeighting: { kind } });
  });

  test('options of another weighting are named, and each weighting has its defaults', async () => {
    const weighting = async (...set: string[]) => (await load({ set })).train.taskWeighting;
    expect(await weighting('train.taskWeighting.kind=dwa')).toEqual({ kind: 'dwa', temperature: 2 });
    const gradnorm = { kind: 'gradnorm', alpha: 0.12, learningRate: 0.01 };
    expect(await weighting('train.taskWeighting.kind=gradnorm', 'train.taskWeighting.alpha=0.12')).toEqual(gradnorm);
    const set = ['train.taskWeighting.kind=dwa', 'train.taskWeighting.alpha=1', 'train.lossReduction=average'];
    expect(await problems(load({ set }))).toEqual({
      'train.taskWeighting.alpha': expect.stringContaining('there is no such option'),
      'train.lossReduction': 'expected one of "sum", "mean", "perScenarioMean", found "average"',
    });
  });

  test('the message counts and lists them', async () => {
    await expect(load({ config: { seed: -1, threads: 1.5 } })).rejects.toThrow(
      '2 mistakes in the run configuration:\n  seed: expected at least 0, found -1\n  threads: expected a whole number, found 1.5',
    );
  });

  test.each([['a text'], [[1]], [7]])('a configuration that is no object: %j', async (config) => {
    const path = file('run.json', JSON.stringify(config));
    expect(await problems(loadRunConfig({ models, config: path }))).toEqual({
      '': `expected an object, found ${JSON.stringify(config)}`,
    });
  });

  test.each([
    '__proto__.polluted=1',
    'train.groups.__proto__.l2=1',
    'train.taskWeights.__proto__=1',
    'model.__proto__.x=1',
  ])('a setting cannot reach beyond the configuration: %s', async (setting) => {
    await problems(load({ set: [setting] }));
    expect(({} as Record<string, unknown>).polluted ?? ({} as Record<string, unknown>).l2).toBeUndefined();
  });
});

describe('--set', () => {
  test.each([
    ['warmStart=runs/a=b', 'runs/a=b'],
    ['warmStart="5"', '5'],
    ['warmStart=a b', 'a b'],
  ])('%s', async (text, value) => {
    expect((await load({ set: [text] })).warmStart).toBe(value);
  });

  test('another kind drops what belongs to the old one alone, and nothing else', async () => {
    const data = (split: object, ...set: string[]) =>
      loadDatasetConfig(
        {
          name: 't',
          sources: { t: { path: 't.csv' } },
          fields: [{ name: 'a', kind: 'numeric', buckets: { quantiles: 5 }, minCount: 3 }],
          scenario: { expression: 'a', values: [0] },
          tasks: [{ name: 'click', label: 'click' }],
          split,
        } as never,
        set,
      );
    const random = { kind: 'random', ratios: [0.6, 0.2, 0.2], seed: 7 };
    const byTime = await data(random, 'split.kind=time', 'split.column=t');
    expect(byTime.split).toEqual({ kind: 'time', column: 't', ratios: [0.6, 0.2, 0.2] });
    const column = { kind: 'column', column: 'part', train: 'a', validation: 'b', test: 'c' };
    expect((await data(column, 'split.column=x', 'split.kind=key')).split).toMatchObject({ kind: 'key', column: 'x' });
    expect((await data(column, 'split.kind=random')).split).toMatchObject({ kind: 'random', seed: 2021 });
    expect((await data(random, 'fields.0.kind=categorical')).fields[0]).toEqual({
      name: 'a',
      kind: 'categorical',
      minCount: 3,
    });
    // What is set beside the kind, misspelt, or of no kind is an error as ever.
    expect(await problems(data(random, 'split.kind=time', 'split.column=t', 'split.seed=3'))).toHaveProperty([
      'split.seed',
    ]);
    expect(await problems(data({ ...random, sede: 1 }, 'split.kind=time', 'split.column=t'))).toHaveProperty([
      'split.sede',
    ]);
    expect(await problems(data(random, 'split.kind=chance'))).toHaveProperty(['split.kind']);
    const cosine = {
      train: { schedule: { kind: 'cosine', finalShare: 0.1 }, taskWeighting: { kind: 'dwa', temperature: 3 } },
    };
    const set = ['train.schedule.kind=warmup', 'train.schedule.steps=5', 'train.taskWeighting.kind=gradnorm'];
    const { train } = await load({ config: cosine, set });
    expect([train.schedule, train.taskWeighting.kind]).toEqual([{ kind: 'warmup', steps: 5 }, 'gradnorm']);
  });

  test('the last of two wins, and one may replace a whole part', async () => {
    const set = ['train.schedule={"kind":"cosine"}', 'train.schedule.finalShare=0.1', 'seed=1', 'seed=2'];
    const run = await load({ set });
    expect([run.train.schedule, run.seed]).toEqual([{ kind: 'cosine', warmupSteps: 0, finalShare: 0.1 }, 2]);
  });

  test.each([
    ['train.learnRate', 'train.learningRate'],
    ['learningRate', 'train.learningRate'],
    ['train.schedule.warmupStep', 'train.schedule.warmupSteps'],
    ['model.widht', 'model.width'],
    ['train.groups.gate.learningRateScal', 'train.groups.*.learningRateScale'],
    ['sed', 'seed'],
  ])('%s probably means %s', async (wrong, right) => {
    expect((await problems(load({ set: [`${wrong}=1`] })))[wrong]).toBe(
      `there is no such option; the nearest is ${right}`,
    );
  });
});

describe('merging', () => {
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.array(fc.integer(), { maxLength: 2 }), tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
  })).object;
  /** Paths to everything that is not an object. */
  const leaves = (value: unknown, path = ''): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
      ? Object.entries(value).flatMap(([key, child]) => leaves(child, `${path}/${key}`))
      : [[path, value]];

  test('keeps every leaf of the upper, and of the lower those that the upper does not cover', () => {
    fc.assert(
      fc.property(tree, tree, (lower, upper) => {
        const merged = new Map(leaves(merge(lower, upper)));
        const isEmpty = (value: unknown) => JSON.stringify(value) === '{}';
        for (const [path, value] of leaves(upper)) if (!isEmpty(value)) expect(merged.get(path)).toEqual(value);
        const covers = ([above, value]: [string, unknown], path: string) =>
          `${above}/`.startsWith(`${path}/`) || (!isEmpty(value) && path.startsWith(`${above}/`));
        for (const [path, value] of leaves(lower))
          if (!isEmpty(value) && !leaves(upper).some((leaf) => covers(leaf, path)))
            expect(merged.get(path)).toEqual(value);
      }),
    );
  });
});

describe('files', () => {
  const dataset = {
    name: 'clicks',
    sources: { log: { path: 'log.csv' } },
    fields: [{ name: 'user', kind: 'categorical' }],
    scenario: { expression: 'tab', values: [0, 1] },
    tasks: [{ name: 'click', label: 'is_click' }],
  };
  const yaml = `
name: clicks
sources: { log: { path: log.csv } }
fields:
  - { name: user, kind: categorical }
scenario: { expression: tab, values: [0, 1] }
tasks: [{ name: click, label: is_click }]
`;
  const modules = `import { defineDataset } from 'tributary-ranker';
const name: string = 'clicks';
export default defineDataset({ ...${JSON.stringify(dataset)}, name } as const);`;

  test.each([
    ['dataset.yaml', yaml],
    ['dataset.yml', yaml],
    ['dataset.json', JSON.stringify(dataset)],
    ['dataset.ts', modules],
    ['dataset.mts', modules],
    ['dataset.mjs', `export default ${JSON.stringify(dataset)}`],
    ['dataset.cjs', `module.exports = ${JSON.stringify(dataset)}`],
  ])('%s', async (name, text) => {
    const loaded = await loadDatasetConfig(file(name, text));
    expect(loaded).toEqual(await loadDatasetConfig(dataset));
    expect(loaded).toMatchObject({ ...dataset, split: { kind: 'random', seed: 2021 }, vocabulary: { from: 'train' } });
  });

  test('a run may be one, and an empty one says nothing', async () => {
    const run = file(
      'run.ts',
      `import { defineRun } from 'tributary'; export default defineRun({ model: { key: 'tiny' }, seed: 4 });`,
    );
    expect((await loadRunConfig({ models, config: run })).seed).toBe(4);
    expect((await load({ config: file('run.yaml', '# nothing yet\n') })).seed).toBe(1);
  });

  test.each([
    ['run.yaml', 'seed: 1\n  train: 2\n', /line 1|line 2/],
    ['run.yaml', 'seed: 1\nseed: 2\n', 'occurs twice'],
    ['run.json', '{"seed": 1,}', /JSON/],
    ['run.ts', 'export default {', /Unexpected token/],
    ['run.ts', "throw new Error('no such table')", 'no such table'],
    ['run.ts', 'export const seed = 1', 'expected `export default { ... }`'],
    ['run.toml', 'seed = 1', 'expected a name that ends in .yaml'],
  ])('%s with %j cannot be read', async (name, text, reason) => {
    const path = file(name, text);
    await expect(load({ config: path })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: typeof reason === 'string' ? expect.stringContaining(reason) : expect.stringMatching(reason),
    });
  });

  test.each(['missing.yaml', 'missing.json', 'missing.ts'])('%s', async (name) => {
    const config = join(temporaryFolder(), name);
    await expect(load({ config })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining(config),
    });
  });

  test('mistakes in a file name the file; those of data sets name the entry', async () => {
    const path = file(
      'd.json',
      JSON.stringify({
        ...dataset,
        fields: [
          { name: 'user', kind: 'categoric' },
          { name: 'a b', kind: 'multi', maxLen: 3 },
        ],
      }),
    );
    const failure = loadDatasetConfig(path, ['split.kind=time', 'tasks=[]']);
    expect(await problems(failure)).toEqual({
      'fields.0.kind': 'expected one of "categorical", "numeric", "multi", "rate", found "categoric"',
      'fields.1.name': 'a name has letters, digits and underscores and does not start with a digit',
      'fields.1.maxLen': 'there is no such option; the nearest is fields.*.maxLength',
      'split.column': 'is missing: expected text',
      tasks: 'expected at least 1 entries, found []',
    });
    await expect(failure).rejects.toThrow(`5 mistakes in the dataset configuration (${path})`);
  });

  test('a setting may reach into a list', async () => {
    expect((await loadDatasetConfig(dataset, ['tasks.0.label=x > 1'])).tasks).toEqual([
      { name: 'click', label: 'x > 1' },
    ]);
    expect(await problems(loadDatasetConfig(dataset, ['tasks.7.label=x']))).toMatchObject({
      tasks: expect.stringContaining('expected a list'),
    });
  });
});
