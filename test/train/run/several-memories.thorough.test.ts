/** A training whose tables are in several memories is the training with one, bit for bit: whatever it does with its tables. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../../src/config/run.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { openModel } from '../../../src/inference/model/finished.ts';
import { setUp } from '../../../src/train/run/setup.ts';
import { makeRun, prepareSmall, SMALL_MODEL, temporaryFolder, trainWithStops } from '../support.ts';

/** A memory of three pages, of which two are counted as its own. */
const limits = { memory: 2 * 65_536 + 6000 };
const folder = temporaryFolder();
afterAll(folder.remove);

let [data, tomorrow, withSequences]: string[] = [];
beforeAll(async () => {
  const types = { clicked: 'click = 1', bought: 'buy = 1' };
  const sequences = { key: '"user"', time: 'time', item: 'item', length: 3, types };
  data = await prepareSmall(folder.path, 500);
  tomorrow = await prepareSmall(folder.path, 600, 45, 'tomorrow');
  withSequences = await prepareSmall(folder.path, 400, 30, 'sequences', 400, sequences);
});

let runs = 0;
const newRun = (prepared: string, input: Record<string, unknown>): Promise<string> =>
  makeRun(join(folder.path, `run-${runs++}`), prepared, input);

const MMOE = { key: 'mmoe', embeddingDim: 6, experts: 2, expertDims: [8], towerDims: [] };
const SHORT = { searchEpochs: 2, maxEpochs: 2 };
const idDecay = { user: 8, item: 4 };

const CASES: [string, Record<string, unknown>][] = [
  ['Adam, a search of flows, its rewind and the frozen table', { model: SMALL_MODEL, train: SHORT }],
  ['AdamW, dense', { model: MMOE, train: { ...SHORT, optimizer: 'adamw', tableUpdates: 'dense', weightDecay: 0.1 } }],
  ['SGD', { model: MMOE, train: { ...SHORT, optimizer: 'sgd', clipNorm: 1 } }],
  [
    'SGD with momentum, dense',
    { model: MMOE, train: { ...SHORT, optimizer: 'sgd', momentum: 0.9, tableUpdates: 'dense' } },
  ],
  ['decay of idle rows, and the average of weights', { model: MMOE, train: { ...SHORT, idDecay, weightAverage: 0.9 } }],
];

async function expectSame(prepared: string, input: Record<string, unknown>): Promise<string> {
  const [one, several] = [await newRun(prepared, input), await newRun(prepared, input)];
  await trainWithStops(one);
  await trainWithStops(several, [3, 4], limits);
  for (const name of ['model.safetensors', 'metrics.jsonl'])
    expect(readFileSync(join(several, name)).equals(readFileSync(join(one, name))), name).toBe(true);
  return several;
}

test.each(CASES)('%s: stopped, resumed and finished', async (_, input) => {
  await expectSame(data, input);
});

test('sequences share rows with a field', async () => {
  await expectSame(withSequences, { model: { key: 'dtrn', embeddingDim: 4 }, train: SHORT });
});

test('warm start from such a run, and scoring with it', async () => {
  const start = await expectSame(data, { model: MMOE, train: SHORT });
  await expectSame(tomorrow, { model: MMOE, train: SHORT, warmStart: start });

  const { manifest, open } = await openPrepared(data);
  const setup = await setUp(runSchema.parse({ model: MMOE }), await openPrepared(data), { limits });
  expect(setup.weights.tables.memories).toBeGreaterThan(1);
  const reader = await open('test');
  const logits = await Promise.all(
    [undefined, limits].map(async (some) => {
      const model = await openModel(start, { batchSize: 16, limits: some });
      for await (const batch of reader.batches({ batchSize: 16 })) {
        const found = [...(await model.score(batch))];
        await model.close();
        return found;
      }
    }),
  );
  expect(logits[1]).toEqual(logits[0]);
  expect(manifest.tableRows).toBeGreaterThan(setup.weights.tables.rows / setup.weights.tables.memories);
  await reader.close();
});

test('what is kept for rows outside of the memories counts: their average, and what they owe to decay', async () => {
  const prepared = await openPrepared(data);
  /** Bytes that a machine must have. */
  const needed = async (train: object): Promise<number> => {
    let [refused, enough] = [0, 2 ** 24];
    while (enough - refused > 1) {
      const machine = Math.floor((refused + enough) / 2);
      const opened = setUp(runSchema.parse({ model: MMOE, train: { batchSize: 64, ...train } }), prepared, {
        limits: { ...limits, machine },
      });
      await opened.then(
        () => {
          enough = machine;
        },
        (cause) => {
          expect(cause).toMatchObject({ code: 'TABLES_TOO_LARGE' });
          refused = machine;
        },
      );
    }
    return enough;
  };
  const { tableRows } = prepared.manifest;
  const plain = await needed({});
  expect((await needed({ weightAverage: 0.9 })) - plain).toBe(4 * tableRows * MMOE.embeddingDim);
  expect((await needed({ idDecay })) - plain).toBe(4 * tableRows);
});
