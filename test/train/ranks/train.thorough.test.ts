/** Training over ranks in this process: what a run may be told to do, stops, and resuming on another number of ranks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryGroup } from '../../../src/comm/memory.ts';
import type { Traffic } from '../../../src/comm/traffic.ts';
import { followTraining, runTraining } from '../../../src/train/run/run.ts';
import { makeRun, prepareSmall, SMALL_M3OE, SMALL_MODEL, temporaryFolder } from '../support.ts';
import { rowsUsed, sizesOf } from './traffic.ts';
import { apart, aucOf, lossesOf, MANY_OPTIONS, MLP, SGD_BATCH_NORM, trainOver } from './train.ts';

const folder = temporaryFolder();
let data: string;
let counter = 0;

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

const newRun = (input: Record<string, unknown>): Promise<string> =>
  makeRun(join(folder.path, `run${++counter}`), data, {
    threads: 1,
    ...input,
    train: { batchSize: 90, metricsEverySteps: 1, searchEpochs: 2, maxEpochs: 2, ...(input.train as object) },
  });

const bytesOf = (run: string): Buffer => readFileSync(join(run, 'model.safetensors'));

const CASES: Record<string, Record<string, unknown>> = {
  'flows searched and frozen, dense Adam, scenario means, clipped gradients': {
    model: { ...SMALL_MODEL, dropout: 0.1 },
    train: { tableUpdates: 'dense', lossReduction: 'perScenarioMean', clipNorm: 0.05, l2: 1e-4 },
  },
  'AdamW, decay of ids, averaged weights, PCGrad, dropout': MANY_OPTIONS,
  'SGD with momentum on a dense table, GradNorm, batch norm': SGD_BATCH_NORM,
  'lazy SGD, weights by uncertainty': {
    model: MLP,
    train: { optimizer: 'sgd', learningRate: 0.1, taskWeighting: { kind: 'uncertainty' } },
  },
  'a group that learns from validation rows, DWA, no shuffle': {
    model: SMALL_M3OE,
    train: { taskWeighting: { kind: 'dwa' }, shuffle: false },
  },
};

test.each(Object.entries(CASES))('%s', async (_, input) => {
  const [one, three] = [await newRun(input), await newRun(input)];
  await trainOver(one, 1);
  await trainOver(three, 3);
  expect(lossesOf(three).length).toBe(lossesOf(one).length);
  expect(apart(lossesOf(one), lossesOf(three), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);
  expect(Math.abs(aucOf(one) - aucOf(three))).toBeLessThan(5e-3); // one pair of 120 rows
});

test('the same ranks give the same bits, stopped and resumed as well; another number goes on from their checkpoint', async () => {
  const input = CASES['AdamW, decay of ids, averaged weights, PCGrad, dropout'];
  const [whole, broken, other] = [await newRun(input), await newRun(input), await newRun(input)];
  await trainOver(whole, 2);
  for (const steps of [3, 5, Number.POSITIVE_INFINITY]) await trainOver(broken, 2, steps);
  for (const name of ['model.safetensors', 'metrics.jsonl'])
    expect(readFileSync(join(broken, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
  await trainOver(other, 2, 4);
  await trainOver(other, 4, 4);
  await trainOver(other, 1);
  expect(apart(lossesOf(whole), lossesOf(other), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);
  expect(bytesOf(other).length).toBe(bytesOf(whole).length);
});

test('a batch with fewer rows than ranks is shared as well', async () => {
  const input = { model: { ...MLP, norm: 'batch' }, train: { batchSize: 186, maxEpochs: 1 } }; // 560 = 3 * 186 + 2
  const [one, four] = [await newRun(input), await newRun(input)];
  await trainOver(one, 1);
  await trainOver(four, 4);
  expect(apart(lossesOf(one), lossesOf(four), 3 * 2)).toBeLessThan(1e-5);
  expect(lossesOf(four)).toHaveLength(4 * 2);
});

test.each(['replicated', 'sharded'])(
  'ranks with %s tables send what the model of cost says (docs/scale.md)',
  async (tables) => {
    const [ranks, batchSize, steps] = [3, 90, 5];
    const run = await newRun({ model: MLP, train: { batchSize, tables } });
    const group = memoryGroup(ranks);
    const sent: Traffic[][] = group.map(() => []);
    const { dense, dimension } = await sizesOf(run, data);
    await Promise.all(
      group.map((own, r) => {
        const shouldStop = (): boolean => sent[r].push({ ...own.bytesSent }) > steps;
        const request = { folder: run, ranks: own, shouldStop };
        return r === 0 ? runTraining({ ...request, emit: () => {} }) : followTraining(request);
      }),
    );
    const uses = await rowsUsed(data, batchSize, ranks);
    for (let step = 1; step <= steps; step++)
      for (let r = 0; r < ranks; r++) {
        const [before, after] = [sent[r][step - 1], sent[r][step]];
        const { own, elsewhere, owned, wanted } = uses[step][r];
        const counts = tables === 'sharded' ? 2 * 8 : 4 * ranks; // what owners found, or rows by rank
        expect(own).toBeGreaterThan(elsewhere);
        const numbers = 4 * (dense + 2 + 2) + counts; // the gradient, the losses of two tasks, and whether to stop or to save
        expect(after.allReduce - before.allReduce).toBeCloseTo((2 * numbers * (ranks - 1)) / ranks, 3);
        const toOwners = 4 * (dimension + 1) * elsewhere + 4 * (ranks - 1);
        const [fetched, toAll] =
          tables === 'sharded' ? [4 * dimension * wanted, 0] : [0, 4 * (dimension + 1) * owned * (ranks - 1)];
        expect(after.allToAll - before.allToAll).toBe(toOwners + fetched);
        expect(after.allGather - before.allGather).toBe(toAll);
      }
  },
);
