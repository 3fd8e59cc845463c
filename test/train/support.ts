/** A small prepared data set and runs on it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { random } from '../../src/base/random.ts';
import { type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { runSchema } from '../../src/config/run.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { createRun } from '../../src/store/run/run-folder.ts';
import type { MemoryLimits } from '../../src/tables/open.ts';
import { runTraining } from '../../src/train/run/run.ts';

export const temporaryFolder = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'tributary-train-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/**
 * Rows with two scenarios and tasks, missing labels, weights, groups and a multi-value field. Clicks depend on the item; from
 * the row `turned` on who would click does not, and the other way round. Training rows are the first, test rows the last.
 */
export async function prepareSmall(
  folder: string,
  rows = 700,
  items = 30,
  name = 'data',
  turned = rows,
  sequences?: DatasetInput['sequences'],
  laterItems = items,
): Promise<string> {
  const generator = random('test data', rows, items);
  const lines = ['user,item,tags,place,click,buy,weight,time'];
  for (let row = 0; row < rows; row++) {
    const item = generator.below(row < 0.8 * rows ? items : laterItems);
    const place = generator.below(2);
    const click = Number(generator.uniform() < (item % 3 === 0 ? 0.8 : 0.3) === row < turned);
    const buy =
      generator.uniform() < 0.2 ? '' : Number(generator.uniform() < (place === 1 && item % 2 === 0 ? 0.7 : 0.2));
    lines.push(
      `u${generator.below(20)},i${item},a|t${item % 5},${place},${click},${buy},${1 + generator.below(3)},${row}`,
    );
  }
  const file = `${name}.csv`;
  writeFileSync(join(folder, file), lines.join('\n'));
  const config = datasetSchema.parse({
    name: 'small',
    sources: { log: { path: file } },
    fields: [
      { name: 'user', kind: 'categorical' },
      { name: 'item', kind: 'categorical' },
      { name: 'tags', kind: 'multi', maxLength: 3 },
      { name: 'place', kind: 'categorical' },
    ],
    scenario: { expression: 'place', values: [0, 1], names: ['feed', 'search'] },
    tasks: [
      { name: 'click', label: 'click' },
      { name: 'buy', label: 'buy' },
    ],
    weight: 'weight',
    group: '"user"',
    split: { kind: 'time', column: 'time' },
    sequences,
  });
  const out = join(folder, name);
  await prepare({ config, sourceFolder: folder, out });
  return out;
}

export const SMALL_MODEL = { key: 'autoifs', embeddingDim: 4, mlpDims: [16, 12, 8], loraRank: 2 };

/** A model with an optimiser group that learns from validation rows. */
export const SMALL_M3OE = { key: 'm3oe', embeddingDim: 4, starDim: 8, fusedDim: 8, experts: 2, expertDims: [4] };

/** Makes a run folder; `input` is a partial run configuration. */
export async function makeRun(folder: string, data: string, input: Record<string, unknown> = {}): Promise<string> {
  const config = runSchema.parse({
    seed: 3,
    model: SMALL_MODEL,
    ...input,
    train: { ...SMALL_TRAIN, ...(input.train as object) },
  });
  const { manifest } = await openPrepared(data);
  const reference = { name: manifest.name, folder: data, hash: manifest.hash };
  createRun({ model: config.model.key, config, data: reference, versions: {} }, { folder });
  return folder;
}

const SMALL_TRAIN = {
  batchSize: 100,
  evaluationBatchSize: 64,
  learningRate: 0.01,
  searchEpochs: 3,
  maxEpochs: 4,
  patience: 4,
  metricsEverySteps: 2,
};

/** Trains to the end, stopping and resuming after each number of steps in `stops`. */
export async function trainWithStops(folder: string, stops: number[] = [], limits?: MemoryLimits): Promise<void> {
  for (const steps of [...stops, Number.POSITIVE_INFINITY]) {
    let done = 0;
    await runTraining({ folder, emit: () => undefined, shouldStop: () => ++done >= steps, limits });
  }
}

/** A run stopped mid-epoch, at borders and across the change of phases ends with the weights and metrics of one that was not. */
export async function resumesToTheSameBits(
  newRun: (input: Record<string, unknown>) => Promise<string>,
  input: Record<string, unknown>,
): Promise<void> {
  const [whole, broken] = [await newRun(input), await newRun(input)];
  await trainWithStops(whole);
  await trainWithStops(broken, [1, 5, 7, 3, 9, 2]);
  for (const name of ['model.safetensors', 'metrics.jsonl'])
    expect(readFileSync(join(broken, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
}
