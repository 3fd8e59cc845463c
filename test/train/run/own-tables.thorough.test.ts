/** A model whose table holds an embedding for each head: every part of a run knows how wide its rows are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { openModel } from '../../../src/inference/model/finished.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import type { TrainingEvent } from '../../../src/train/run/events.ts';
import { runTraining } from '../../../src/train/run/run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';

const OWN = { key: 'single-task', embeddingDim: 3, bottomDims: [6], towerDims: [] };
/** Heads: click in feed, click in search, buy in feed, buy in search; each with 3 numbers of a table row. */
const HEADS = 4;
const headOf = (index: number): number => Math.floor(index / 3) % HEADS;

const folder = temporaryFolder();
let data: string;
let counter = 0;

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

const newRun = (input: Record<string, unknown> = {}, from = data) =>
  makeRun(join(folder.path, `run${++counter}`), from, { model: OWN, ...input });

async function trained(from?: string): Promise<string> {
  const run = await newRun({ train: { maxEpochs: 1 } }, from);
  await trainWithStops(run);
  return run;
}

test('the finished model has a table as wide as all embeddings of a value, and says so', async () => {
  const run = await newRun({ train: { maxEpochs: 1 } });
  const events: TrainingEvent[] = [];
  await runTraining({ folder: run, emit: (event) => events.push(event), shouldStop: () => false });
  const { tableRows } = (await openPrepared(data)).manifest;
  expect(loadModel(run).tensors.get('embedding')?.shape).toEqual([tableRows, HEADS * 3]);
  expect(events.find(({ event }) => event === 'start')).toMatchObject({ tableRows, embeddingDim: HEADS * 3 });
});

test('heads share nothing: what is trained on purchases does not depend on clicks', async () => {
  const turned = await prepareSmall(folder.path, 700, 30, 'turned', 100); // other clicks from row 100 on
  const [one, other] = [loadModel(await trained()).tensors, loadModel(await trained(turned)).tensors];
  for (const [name, { shape, data: numbers }] of one) {
    const owner = name === 'embedding' ? headOf : (i: number): number => Math.floor((HEADS * i) / length(shape));
    const ofHeads = (of: typeof one, heads: number[]) => numbersOf(of, name).filter((_, i) => heads.includes(owner(i)));
    expect(numbers.length).toBe(length(shape));
    expect(ofHeads(other, [2, 3]), `${name} of purchases`).toEqual(ofHeads(one, [2, 3]));
    expect(ofHeads(other, [0, 1]), `${name} of clicks`).not.toEqual(ofHeads(one, [0, 1]));
  }
});

const numbersOf = (tensors: ReadonlyMap<string, { data: ArrayLike<number | bigint> }>, name: string): number[] =>
  Array.from(tensors.get(name)?.data ?? [], Number);
const length = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

test('an opened model scores rows by the tables of their own scenario', async () => {
  const model = await openModel(await trained(), { batchSize: 64 });
  const reader = await (await openPrepared(data)).open('test');
  for await (const batch of reader.batches({ batchSize: 64 })) {
    const before = (await model.score(batch)).slice();
    const table = model.arena.weights.tables.parts('embedding')[0].view;
    for (let i = 0; i < table.length; i++) if (headOf(i) % 2 === 1) table[i] += 0.5; // search
    const after = await model.score(batch);
    expect(before.every(Number.isFinite)).toBe(true);
    for (let row = 0; row < batch.size; row++) {
      const changed = [0, 1].map((task) => after[2 * row + task] !== before[2 * row + task]);
      expect(changed, `row ${row}`).toEqual(batch.scenario[row] === 1 ? [true, true] : [false, false]);
    }
    break;
  }
  await reader.close();
  await model.close();
});

test('stopped and resumed gives the bits of the unbroken run', async () => {
  const [whole, broken] = [await newRun(), await newRun()];
  await trainWithStops(whole);
  await trainWithStops(broken, [1, 5, 7, 3]);
  const weights = (run: string) => readFileSync(join(run, 'model.safetensors'));
  expect(weights(broken).equals(weights(whole))).toBe(true);
});

test('goes on from a run with such tables, and not from one with others', async () => {
  const before = await trained();
  const after = await newRun({ warmStart: before, train: { maxEpochs: 1, learningRate: 1e-9 } });
  await trainWithStops(after);
  const [old, now] = [before, after].map((run) => numbersOf(loadModel(run).tensors, 'embedding'));
  expect(Math.max(...now.map((value, i) => Math.abs(value - old[i])))).toBeLessThan(1e-6);

  const shared = await newRun({ model: { ...OWN, sharedEmbedding: true }, warmStart: before });
  await expect(trainWithStops(shared)).rejects.toThrow(/numbers per embedding: 12 there, 3 here/);
});
