/** Tables whose rows lie on several ranks: training gives the bits of whole tables on each rank, in all that a run may be told to do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRun, prepareSmall, SMALL_M3OE, SMALL_MODEL, temporaryFolder } from '../support.ts';
import { apart, aucOf, lossesOf, MANY_OPTIONS, MLP, SGD_BATCH_NORM, trainOver } from './train.ts';

const folder = temporaryFolder();
let data: string;
let counter = 0;

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

const newRun = (input: Record<string, unknown>, tables: string): Promise<string> =>
  makeRun(join(folder.path, `run${++counter}`), data, {
    threads: 1,
    ...input,
    train: { batchSize: 90, metricsEverySteps: 1, searchEpochs: 2, maxEpochs: 2, tables, ...(input.train as object) },
  });

const bytesOf = (run: string): Buffer => readFileSync(join(run, 'model.safetensors'));

/** `exact`: no sum over rows of the table is split by owner, so bits are those of whole tables. */
const CASES: Record<string, { exact: boolean; input: Record<string, unknown> }> = {
  'flows searched and frozen, dense Adam, scenario means': {
    exact: true,
    input: {
      model: { ...SMALL_MODEL, dropout: 0.1 },
      train: { tableUpdates: 'dense', lossReduction: 'perScenarioMean', l2: 1e-4, evaluationBatchSize: 59 },
    },
  },
  'lazy Adam, clipped gradients': { exact: false, input: { model: MLP, train: { clipNorm: 0.05 } } },
  'AdamW, decay of ids, averaged weights, PCGrad, dropout': {
    exact: false,
    input: MANY_OPTIONS,
  },
  'SGD with momentum on a dense table, GradNorm, batch norm': {
    exact: true,
    input: SGD_BATCH_NORM,
  },
  'lazy SGD, a batch with fewer rows than ranks': {
    exact: true,
    input: { model: MLP, train: { optimizer: 'sgd', learningRate: 0.1, batchSize: 186 } }, // 560 = 3 * 186 + 2
  },
  'a group that learns from validation rows, dense decay of ids': {
    exact: true,
    input: { model: SMALL_M3OE, train: { tableUpdates: 'dense', idDecay: { user: 3, item: 2, tags: 1, place: 0 } } },
  },
};

test.each(Object.entries(CASES))('%s', async (_, { exact, input }) => {
  const [one, whole, three] = [
    await newRun(input, 'auto'),
    await newRun(input, 'replicated'),
    await newRun(input, 'sharded'),
  ];
  await trainOver(one, 1);
  await trainOver(whole, 3);
  await trainOver(three, 3);
  expect(lossesOf(three).length).toBe(lossesOf(one).length);
  expect(apart(lossesOf(one), lossesOf(three), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);
  expect(Math.abs(aucOf(whole) - aucOf(three))).toBeLessThan(exact ? 1e-12 : 5e-3); // one pair of 120 rows
  if (exact) expect(bytesOf(three).equals(bytesOf(whole))).toBe(true);
});

test('the rows of a rank may lie in several memories', async () => {
  const { input } = CASES['flows searched and frozen, dense Adam, scenario means'];
  const [one, several] = [await newRun(input, 'sharded'), await newRun(input, 'sharded')];
  await trainOver(one, 2);
  const limits = { memory: 2 * 65_536 + 6000 }; // three pages, of which two are counted as a memory's own
  for (const steps of [3, Number.POSITIVE_INFINITY]) await trainOver(several, 2, steps, limits);
  expect(bytesOf(several).equals(bytesOf(one))).toBe(true);
});
