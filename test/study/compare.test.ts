/** Comparisons as they are written, planned and shown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cellLines, liveCells } from '../../src/cli/print/comparison.ts';
import { loadComparisonConfig } from '../../src/config/load-compare.ts';
import type { RunConfig } from '../../src/config/run.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { findModel, models } from '../../src/model/registry.ts';
import { defaultsOfData } from '../../src/study/compare/defaults.ts';
import type { CellEvent, ComparisonEvent } from '../../src/study/compare/events.ts';
import { planCells } from '../../src/study/compare/plan.ts';
import { dataDefaults } from '../../src/train/run/data-defaults.ts';
import { sink } from '../cli/support.ts';
import { prepareSmall } from '../train/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const load = (config: object) => loadComparisonConfig(config, models);

test('a run: defaults < preset < common < config < options < grid', async () => {
  writeFileSync(
    at('best.yaml'),
    'model: { key: autoifs }\ntrain: { maxEpochs: 7, l2: 0.5, learningRate: 0.5 }\nseed: 99\nthreads: 7\n',
  );
  const {
    models: compared,
    seeds,
    baseline,
  } = await load({
    data: 'data',
    common: { train: { batchSize: 77, maxEpochs: 6, searchEpochs: 3 } },
    models: [
      {
        config: at('best.yaml'),
        preset: 'demo',
        options: { train: { l2: 0.25 } },
        grid: { 'model.loraRank': [0, 3], 'train.learningRate': [0.1] },
      },
    ],
  });
  expect(compared.map(({ label }) => label)).toEqual([
    'autoifs loraRank=0 learningRate=0.1',
    'autoifs loraRank=3 learningRate=0.1',
  ]);
  const [{ run }] = compared;
  expect(run.model).toMatchObject({ key: 'autoifs', mlpDims: [64, 32, 16], loraRank: 0 }); // the preset's widths
  expect(run.train).toMatchObject({
    batchSize: 77,
    searchEpochs: 3, // common over the preset
    maxEpochs: 7, // the file over common
    l2: 0.25, // options over the file
    learningRate: 0.1, // the grid over all
    finalTemperature: 20, // the preset
    patience: 1, // default
  });
  expect(run.threads).toBe(1); // what the comparison says, whatever the file does
  expect([seeds, baseline]).toEqual([[1, 2, 3], 'autoifs loraRank=0 learningRate=0.1']);
});

test('all mistakes are told at once, by where they stand', async () => {
  writeFileSync(at('other.yaml'), 'model: { key: ple }\n');
  const failure = load({
    data: 'data',
    models: [
      'sharedbottom',
      { model: 'mmoe', config: at('other.yaml') },
      { model: 'mmoe', options: { seed: 4, train: { tasks: ['click'], batchsize: 5 } } },
      { model: 'mmoe', config: at('nowhere.yaml') },
      { label: 'which' },
      { model: 'star' },
      { model: 'star', grid: { 'model.loraRank': [1] } },
    ],
    references: [{ model: 'star', label: 'star', by: 'task', options: { model: { embeddingDim: 0 } } }],
    baseline: 'sta',
  });
  await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
  const message = await failure.catch((cause: Error) => cause.message);
  for (const line of [
    'models.0.model: there is no model "sharedbottom"; the nearest is shared-bottom',
    'models.1.config: expected a configuration of mmoe, found one of "ple"',
    'models.2.options: sets seed, which the comparison sets itself',
    'models.2.options: sets train.tasks, which the comparison sets itself',
    'models.2.train.batchsize: there is no such option; the nearest is train.batchSize',
    `models.3.config: ${at('nowhere.yaml')}`,
    'models.4.model: is missing',
    'models.6.model.loraRank: there is no such option',
    'references.0.model.embeddingDim: expected at least 1, found 0',
    'baseline: there is no model labelled "sta"; the nearest is "star"',
  ])
    expect(message).toContain(line);
});

test.each([
  [{ data: 'a', models: [] }, 'models: expected at least 1 entries, found []'],
  [{ data: 'a', models: ['mmoe'], seeds: [1, 1] }, 'seeds: the seeds must differ'],
  [{ data: 'a', models: ['mmoe', 'mmoe'] }, '"mmoe" is the label of several models'],
  [{ data: 'a', models: ['mmoe'], baselin: 'mmoe' }, 'baselin: there is no such option; the nearest is baseline'],
  [{ models: ['mmoe'] }, 'data: is missing'],
  [
    { data: 'a', models: ['mmoe'], references: [{ model: 'mmoe', by: 'user' }] },
    'references.0.by: expected one of "task", "scenario", found "user"',
  ],
])('%j', async (config, message) => {
  await expect(load(config)).rejects.toThrow(message);
});

test('cells: every model with every seed, references for each part, folders by what is trained', async () => {
  const data = await openPrepared(await prepareSmall(folder));
  const config = {
    data: data.folder,
    seeds: [5, 6],
    models: ['mmoe', { model: 'ple', label: 'PLE (ours)' }],
    references: [{ model: 'star', by: 'scenario', label: 'alone' }],
  };
  const comparison = await load(config);
  const cells = planCells(comparison, [data], 'out');
  expect(cells.map(({ name }) => name)).toEqual([
    'mmoe, seed 5',
    'PLE (ours), seed 5',
    'alone, feed, seed 5',
    'alone, search, seed 5',
    'mmoe, seed 6',
    'PLE (ours), seed 6',
    'alone, feed, seed 6',
    'alone, search, seed 6',
  ]);
  expect(cells[3].run.train.scenarios).toEqual(['search']);
  expect(cells.map(({ run }) => run.seed)).toEqual([5, 5, 5, 5, 6, 6, 6, 6]);
  expect(cells[1].folder).toMatch(/^out\/cells\/PLE-ours-seed-5-[0-9a-f]{10}$/);
  expect(new Set(cells.map((cell) => cell.folder)).size).toBe(8);

  // Another batch size is another training; other models, seeds and statistics are not.
  const folders = (more: object) =>
    load({ ...config, ...more }).then((of) => planCells(of, [data], 'out').map((cell) => cell.folder));
  expect(await folders({ common: { train: { batchSize: 5 } } })).not.toContain(cells[0].folder);
  expect(await folders({ seeds: [6, 7], models: ['ple', 'mmoe'], confidence: 0.9 })).toContain(cells[4].folder);

  const wrong = await load({ ...config, common: { train: { taskWeights: { lick: 2 } } } });
  expect(() => planCells(wrong, [data], 'out')).toThrow(
    'mmoe on small: train.taskWeights.lick: the data have no task "lick"',
  );
});

const cell = (model: string, seed: number, state: object): CellEvent =>
  ({ event: 'cell', cell: `${model}, seed ${seed}`, model, data: 'shop', seed, ...state }) as CellEvent;

const STORY: ComparisonEvent[] = [
  { event: 'start', folder: 'out', cells: 4, finished: 1, workers: 2 },
  cell('mmoe', 1, { state: 'finished', auc: 0.75, before: true }),
  cell('mmoe', 2, { state: 'waiting' }),
  cell('ple', 1, { state: 'running' }),
  cell('ple', 1, { state: 'running', phase: 'train', epoch: 2, epochs: 9, monitor: 0.71 }),
  cell('ple', 1, { state: 'failed', code: 'LOSS_NOT_FINITE', message: 'the loss is not finite' }),
  cell('mmoe', 2, { state: 'finished', auc: null, before: false }),
  { event: 'statistics' },
];

test('without a terminal: a line for each training that begins or ends', () => {
  const out = sink();
  const display = cellLines(out, sink());
  for (const event of STORY) display.event(event);
  expect(out.text.split('\n')).toEqual([
    '4 trainings in out, 1 of them already finished; 2 in parallel',
    'mmoe, seed 1: done 0.7500',
    'ple, seed 1: training',
    'ple, seed 1: failed: LOSS_NOT_FINITE: the loss is not finite',
    'mmoe, seed 2: done -',
    'computing the statistics',
    '',
  ]);
});

test('on a terminal: one table that is redrawn, no taller and no wider than the screen', () => {
  const screen = { ...sink(), columns: 60, rows: 6 };
  const display = liveCells(screen);
  for (const event of STORY) display.event(event);
  const frames = screen.text.split('\x1b[J');
  for (const frame of frames) {
    expect(frame.split('\n').length).toBeLessThanOrEqual(1 + 1 + 6); // a lasting line, the table, the cursor's line
    for (const line of frame.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(60);
  }
  expect(screen.text).toContain('ple   train 2/9 0.7100');
  expect(frames.at(-1)).toContain('mmoe  done 0.7500  done -');
  expect(frames.at(-1)).toContain('ple   failed');
  expect(screen.text).toContain('ple, seed 1: failed: LOSS_NOT_FINITE: the loss is not finite\n');
});

test('defaults: data gives models without a preset what train gives them', async () => {
  const data = await prepareSmall(folder);
  const entries = [
    'shared-bottom',
    { model: 'autoifs', preset: 'demo' },
    { model: 'star', options: { train: { l2: 0.5 } } },
  ];
  const config = { data, defaults: 'data', models: entries, common: { train: { patience: 9 } } };
  const [plain, preset, own] = (await loadComparisonConfig(config, models, defaultsOfData)).models.map(
    ({ run }) => run,
  );
  const { model, train } = dataDefaults(findModel('shared-bottom'), (await openPrepared(data)).manifest) as RunConfig;
  expect(plain.model).toMatchObject(model);
  expect(plain.train).toMatchObject({ ...train, patience: 9 });
  expect(preset.train.idDecay).toBe('off');
  expect(own.train).toMatchObject({ idDecay: 'auto', l2: 0.5 });
  const several = loadComparisonConfig({ ...config, data: [data, data] }, models, defaultsOfData);
  await expect(several).rejects.toThrow('defaults: "data" needs a single data set');
  await expect(load(config)).rejects.toThrow('defaults: "data" needs the function `defaultsOfData`');
});
