/** Prepares a pipeline fixture's rows, imports its weights, trains, and records the course of the run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { datasetSchema } from '../../config/dataset.ts';
import { type RunConfig, runSchema } from '../../config/run.ts';
import { prepare } from '../../data/prepare/prepare.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { Batch, PreparedData } from '../../data/prepared/prepared.ts';
import { gateExecutor } from '../../inference/arena/gates.ts';
import { gateGraph } from '../../inference/graphs/forward.ts';
import { openModel } from '../../inference/model/finished.ts';
import { importWeights } from '../../interop/exchange.ts';
import { createSession } from '../../runtime/session.ts';
import { loadCheckpoint } from '../../store/run/checkpoint.ts';
import { loadModel } from '../../store/run/model-file.ts';
import { readMetrics, runPaths } from '../../store/run/run-folder.ts';
import { writeSafetensors } from '../../store/safetensors.ts';
import type { StoredTensor, TensorView } from '../../store/tensors.ts';
import type { EpochEvent, TrainingEvent } from '../../train/run/events.ts';
import { newRun } from '../../train/run/new-run.ts';
import { runTraining } from '../../train/run/run.ts';
import type { Fixture } from '../fixture.ts';
import type { ReferenceModel } from '../reference-model.ts';
import { type FlowGates, flowGates } from './flow-gates.ts';
import { readBatch, wholeSplit } from './rows.ts';
import { fieldRanges, type RowMap, rowMap } from './table-rows.ts';

/** The training entries of the reference's configuration. */
export const trainingSchema = z.object({
  batch: z.int().min(1),
  lr: z.number(),
  l2: z.number(),
  r_lr: z.number(),
  r_l2: z.number(),
  search_epochs: z.int().min(1),
  rewind: z.int().min(0),
  final_temp: z.number(),
  max_epochs: z.int().min(1),
});

export type TrainingEntries = z.output<typeof trainingSchema>;

/** Points of the training at which the fixtures have weights. */
export type Moment = 'rewind' | 'search_final' | 'retrain_start' | 'retrain_best';
/** Our tensors by name. */
export type Snapshot = Map<string, Float32Array>;

export interface TrainingTrace {
  data: PreparedData;
  rows: RowMap;
  run: string;
  /** Loss of every step before its update. */
  losses: Record<'search' | 'retrain', number[]>;
  epochs: EpochEvent[];
  weights: Record<Moment, Snapshot>;
}

/** Trains like `tributary train`, in `folder`; the training rows end with the first `runOn` validation rows. */
export async function trainFixture(
  fixture: Fixture,
  reference: ReferenceModel,
  training: TrainingEntries,
  folder: string,
  runOn: number,
): Promise<TrainingTrace> {
  const data = await prepareRows(fixture, reference, folder, runOn);
  const rows = await rowMap(data);
  const warmStart = importInitialWeights(fixture, reference, data, rows, folder);
  const run = await newRun(runConfig(reference, training, warmStart), data, { folder: join(folder, 'run') });
  const { checkpoints } = runPaths(run);

  const weights: Partial<Record<Moment, Snapshot>> = {};
  const epochs: EpochEvent[] = [];
  await runTraining({
    folder: run,
    shouldStop: () => false,
    emit(event: TrainingEvent) {
      if (event.event === 'epoch') epochs.push(event);
      if (event.event !== 'checkpoint') return;
      // Reads the run's checkpoints as they appear, before newer ones replace them.
      const { position, tensors } = loadCheckpoint(checkpoints, basename(event.path));
      const at = `${position.phase} ${position.epoch}`;
      if (at === `search ${training.search_epochs}`) weights.search_final = snapshot(tensors);
      if (at === 'retrain 0') weights.retrain_start = snapshot(tensors);
    },
  });
  weights.rewind = snapshot(loadCheckpoint(checkpoints, 'rewind').tensors);
  weights.retrain_best = snapshot(loadModel(run).tensors);
  return { data, rows, run, losses: stepLosses(run), epochs, weights: weights as Record<Moment, Snapshot> };
}

const snapshot = (tensors: ReadonlyMap<string, StoredTensor>): Snapshot =>
  new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));

/** The rows as a CSV file, prepared like any data. A third part without labels contains every id, so that each has a table row. */
async function prepareRows(
  fixture: Fixture,
  reference: ReferenceModel,
  folder: string,
  runOn: number,
): Promise<PreparedData> {
  const { sizes } = reference;
  const ranges = fieldRanges(reference);
  const fields = ranges.map((_, i) => `field${i}`);
  const labels = Array.from({ length: sizes.tasks }, (_, t) => `label${t}`);
  const lines = [[...fields, 'scenario', ...labels, 'part']];
  const add = (batch: Batch, rows: number, part: string): void => {
    for (let row = 0; row < rows; row++)
      lines.push([
        ...[...batch.ids.subarray(row * sizes.fields, (row + 1) * sizes.fields)].map(String),
        String(batch.scenario[row]),
        ...[...batch.labels.subarray(row * sizes.tasks, (row + 1) * sizes.tasks)].map(String),
        part,
      ]);
  };
  const [train, valid] = ['train', 'valid'].map((part) => readBatch(fixture, `input.${part}.`, sizes));
  add(train, train.size, 'train');
  add(valid, runOn, 'train');
  add(valid, valid.size, 'valid');
  const most = Math.max(...ranges.map(({ from, to }) => to - from));
  for (let i = 0; i < most; i++)
    lines.push([
      ...ranges.map(({ from, to }) => String(Math.min(from + i, to - 1))),
      '0',
      ...labels.map(() => ''),
      'test',
    ]);

  const source = join(folder, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'rows.csv'), lines.map((line) => `${line.join()}\n`).join(''));
  const config = datasetSchema.parse({
    name: 'fixture',
    sources: { log: { path: 'rows.csv', delimiter: ',', header: true } },
    fields: fields.map((name) => ({ kind: 'categorical', name })),
    scenario: { expression: 'scenario', values: Array.from({ length: sizes.scenarios }, (_, s) => s) },
    tasks: labels.map((name) => ({ name, label: name })),
    split: { kind: 'column', column: 'part', validation: 'valid' },
    vocabulary: { from: 'all' },
  });
  const prepared = await prepare({ config, sourceFolder: source, out: join(folder, 'data') });
  return openPrepared(prepared.folder);
}

/** A run folder with the fixture's parameters and tables, in the layout of the prepared data. */
function importInitialWeights(
  fixture: Fixture,
  { model, layout, config, dimension }: ReferenceModel,
  data: PreparedData,
  rows: RowMap,
  folder: string,
): string {
  const { tableRows } = data.manifest;
  const tables = [layout.table, layout.gateTable].map((name) => `param.${name}`);
  const tensors = fixture.names('param.').map((name): [string, TensorView] => {
    if (!tables.includes(name)) return [name, fixture.tensor(name)];
    return [name, { shape: [tableRows, dimension], data: rows.toOurs(fixture.floats(name), dimension) }];
  });
  const weights = join(folder, 'weights.safetensors');
  const configFile = join(folder, 'config.json');
  writeSafetensors(weights, tensors);
  writeFileSync(configFile, JSON.stringify({ ...config, feat_num: tableRows }));
  return importWeights({
    model: model.key,
    weights,
    config: configFile,
    place: { folder: join(folder, 'imported') },
    data,
  });
}

/** The procedure of AutoIFS' authors: gates learn a hundred times more slowly and without L2, and rows are not shuffled. */
function runConfig({ model, options }: ReferenceModel, training: TrainingEntries, warmStart: string): RunConfig {
  const { batch, lr, l2, r_lr, r_l2, search_epochs, rewind, final_temp, max_epochs } = training;
  return runSchema.parse({
    model: { ...options, key: model.key },
    train: {
      batchSize: batch,
      learningRate: lr,
      l2,
      groups: { gate: { learningRateScale: 0.01, l2: 0 } },
      tableUpdates: 'dense',
      shuffle: false,
      searchEpochs: search_epochs,
      rewindEpoch: rewind,
      finalTemperature: final_temp,
      maxEpochs: max_epochs,
      patience: 1,
      retrain: { learningRate: r_lr, l2: r_l2 },
      metricsEverySteps: 1,
    },
    threads: 1,
    warmStart,
  });
}

/** Task losses and penalty of every step, from the run's log. */
function stepLosses(run: string): TrainingTrace['losses'] {
  const losses: TrainingTrace['losses'] = { search: [], retrain: [] };
  for (const line of readMetrics(run))
    if (line.kind === 'step' && line.phase !== 'train')
      losses[line.phase].push(
        Object.values(line.losses).reduce<number>((sum, loss) => sum + (loss ?? 0), line.penalty),
      );
  return losses;
}

/** Logits [N, T] and gates of the validation rows, by the finished model. */
export async function scoreValidation(
  { model, options, sizes }: ReferenceModel,
  { data, run }: TrainingTrace,
): Promise<{ gates: FlowGates; logits: Float32Array }> {
  const reader = await data.open('validation');
  const finished = await openModel(run, { threads: 1, batchSize: reader.rows });
  const graph = gateGraph({ model, options, sizes, phase: 'retrain', batchSize: reader.rows });
  const network = gateExecutor(finished.arena, await createSession(graph.bytes, { threads: 1 }));
  try {
    const batch = await wholeSplit(reader);
    const gates = await flowGates(network, batch, sizes.tasks);
    return { gates, logits: await finished.score(batch) };
  } finally {
    await network.release();
    await finished.close();
    await reader.close();
  }
}
