/** Tables whose rows lie on several ranks: stops, resuming on other numbers of ranks, warm starts, and when they are taken. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Collective } from '../../../src/comm/contract.ts';
import { memoryGroup, runRanks } from '../../../src/comm/memory.ts';
import { loadCheckpoint, saveCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { readResult, runPaths } from '../../../src/store/run/run-folder.ts';
import { limitsOfRank, placeTables } from '../../../src/train/ranks/tables.ts';
import type { TrainingEvent } from '../../../src/train/run/events.ts';
import { followTraining, runTraining } from '../../../src/train/run/run.ts';
import { checkTogether, notFinite } from '../../../src/train/step/finite.ts';
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

test('all ranks say what one of them found', async () => {
  const place = { phase: 'train', epoch: 1, step: 2 };
  const check = (ranks: Collective) =>
    checkTogether(ranks, place, () => {
      if (ranks.rank === 1) throw notFinite('the embedding of row 7', place);
    });
  const ends = await Promise.allSettled(memoryGroup(3).map(check));
  const reason = { code: 'LOSS_NOT_FINITE', details: { what: 'the embedding of row 7', ...place } };
  for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason });
  await runRanks(3, (ranks) => checkTogether(ranks, place, () => {}));
});

test('auto shares the rows where whole tables of the ranks of a machine would take more than half of its memory', async () => {
  const placed = async (ranks: number, tables: 'auto' | 'replicated' | 'sharded', machines: number[]) =>
    runRanks(ranks, (own) => placeTables(tables, 1e9, own, { machine: machines[own.rank] }));
  const both = (tables: string, reason: string) => new Array(2).fill({ count: 2, tables, reason });
  const whole = 'whole tables of the 2 ranks of a machine';
  expect(await placed(2, 'auto', [4e9, 4e9])).toEqual(
    both('replicated', `${whole} take 2.0 GB, not more than half of its 4.0 GB`),
  );
  expect(await placed(2, 'auto', [5e9, 3.9e9])).toEqual(
    both('sharded', `${whole} would take 2.0 GB, more than half of its 3.9 GB`),
  );
  expect(await placed(2, 'replicated', [1, 1])).toEqual(both('replicated', 'train.tables is replicated'));
  expect(await placed(2, 'sharded', [1e12, 1e12])).toEqual(both('sharded', 'train.tables is sharded'));
  expect(await placed(1, 'sharded', [1])).toEqual([undefined]);
});

test('ranks of a machine share its memory: TABLES_TOO_LARGE where whole tables fit one of them only', async () => {
  expect(limitsOfRank({ size: 1 }, { machine: 8 })).toEqual({ machine: 8 });
  expect(limitsOfRank({ size: 4 }, { machine: 8, memory: 3 })).toEqual({ machine: 2, memory: 3 });
  const small = () => newRun({ model: MLP, train: { batchSize: 10, evaluationBatchSize: 10 } }, 'replicated');
  const machine = 1.5 * (await bytesNeeded(await small()));
  await expect(trainOver(await small(), 2, 1, { machine })).rejects.toMatchObject({ code: 'TABLES_TOO_LARGE' });
  await trainOver(await small(), 1, 1, { machine });
});

/** Bytes that one process needs for a run. */
async function bytesNeeded(run: string): Promise<number> {
  const refused = await trainOver(run, 1, 1, { machine: 1 }).catch((cause) => cause);
  return refused.details.bytes + refused.details.besides;
}

test('a run says where its ranks have the rows of tables, and why', async () => {
  const run = await newRun({ model: MLP, train: { maxEpochs: 1 } }, 'sharded');
  const told: TrainingEvent[] = [];
  await trainOver(run, 2, undefined, undefined, (event) => told.push(event));
  const ranks = { count: 2, tables: 'sharded', reason: 'train.tables is sharded' };
  expect(told.find(({ event }) => event === 'start')).toMatchObject({ ranks });
  expect(readResult(run)).toMatchObject({ ranks });
  expect(readFileSync(join(run, 'report.md'), 'utf8')).toContain(
    '- ranks: 2, which share the rows of tables: train.tables is sharded\n',
  );
});

test('ranks other than 0 need no run folder', async () => {
  const [whole, run] = [await newRun({ model: MLP }, 'sharded'), await newRun({ model: MLP }, 'sharded')];
  await trainOver(whole, 2);
  const [lead, other] = memoryGroup(2);
  await Promise.all([
    runTraining({ folder: run, ranks: lead, emit: () => {}, shouldStop: () => false }),
    followTraining({ folder: join(folder.path, 'elsewhere'), ranks: other, shouldStop: () => false }),
  ]);
  expect(bytesOf(run).equals(bytesOf(whole))).toBe(true);
});
