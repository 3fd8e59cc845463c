/** Tables whose rows lie on several ranks: stops, resuming on other numbers of ranks, warm starts, and when they are taken. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRanks } from '../../../src/comm/memory.ts';
import { loadCheckpoint, saveCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { runPaths } from '../../../src/store/run/run-folder.ts';
import { sharesTables } from '../../../src/train/ranks/tables.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../support.ts';
import { apart, lossesOf, MANY_OPTIONS, MLP, trainOver } from './train.ts';

const folder = temporaryFolder();
let data: string;
let counter = 0;

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

const newRun = (input: Record<string, unknown>, tables: string, on = data): Promise<string> =>
  makeRun(join(folder.path, `run${++counter}`), on, {
    threads: 1,
    ...input,
    train: { batchSize: 90, metricsEverySteps: 1, searchEpochs: 2, maxEpochs: 2, tables, ...(input.train as object) },
  });

const bytesOf = (run: string, name = 'model.safetensors'): Buffer => readFileSync(join(run, name));

test('the same ranks give the same bits, stopped and resumed as well; any number of ranks goes on, with whole tables or their rows', async () => {
  const [whole, broken, other] = [
    await newRun(MANY_OPTIONS, 'sharded'),
    await newRun(MANY_OPTIONS, 'sharded'),
    await newRun(MANY_OPTIONS, 'sharded'),
  ];
  await trainOver(whole, 2);
  for (const steps of [3, 5, Number.POSITIVE_INFINITY]) await trainOver(broken, 2, steps);
  for (const name of ['model.safetensors', 'metrics.jsonl'])
    expect(bytesOf(broken, name).equals(bytesOf(whole, name)), name).toBe(true);
  await trainOver(other, 1, 3);
  await trainOver(other, 2, 3);
  await trainOver(other, 5, 3);
  await trainOver(other, 1);
  expect(apart(lossesOf(whole), lossesOf(other), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);
  expect(bytesOf(other).length).toBe(bytesOf(whole).length);
});

test('a warm start on several ranks begins with what one rank begins with, for new and old rows', async () => {
  const before = await newRun({ model: MLP }, 'auto');
  await trainOver(before, 1);
  const today = await prepareSmall(folder.path, 500, 35, 'today');
  const [one, three] = await Promise.all(
    ['auto', 'sharded'].map((tables) => newRun({ model: MLP, warmStart: before }, tables, today)),
  );
  await trainOver(one, 1);
  await trainOver(three, 3);
  expect(apart(lossesOf(one), lossesOf(three), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);
});

test('a number of one rank that is not finite ends all of them: LOSS_NOT_FINITE', async () => {
  const run = await newRun({ model: MLP }, 'sharded');
  await trainOver(run, 2, 3);
  const { checkpoints } = runPaths(run);
  const newest = loadCheckpoint(checkpoints, '000001');
  const moments = newest.tensors.get('moment.table.2') as { data: Float32Array };
  moments.data.fill(-1, 4 * 7, 4 * 8); // of row 7, which rank 1 has: the root of the next second moment is NaN
  saveCheckpoint(checkpoints, { ...newest, name: undefined });
  await expect(trainOver(run, 2)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
});

test('auto shares the rows where whole tables of the ranks of a machine would take more than half of its memory', async () => {
  const shares = async (ranks: number, tables: 'auto' | 'replicated' | 'sharded', machines: number[]) =>
    runRanks(ranks, (own) => sharesTables(tables, 1000, own, { machine: machines[own.rank] }));
  expect(await shares(2, 'auto', [4000, 4000])).toEqual([false, false]);
  expect(await shares(2, 'auto', [4000, 3999])).toEqual([true, true]);
  expect(await shares(2, 'replicated', [1, 1])).toEqual([false, false]);
  expect(await shares(2, 'sharded', [1e12, 1e12])).toEqual([true, true]);
  expect(await shares(1, 'sharded', [1])).toEqual([false]);
});
