/** The decay that a run takes from its data. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { runSchema } from '../../../src/config/run.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { decayOf, withIdDecay } from '../../../src/train/run/id-decay.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { fitLogistic } from '../../../src/yardsticks/logistic.ts';
import { readRows } from '../../../src/yardsticks/rows.ts';
import { prepareSmall, temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
let data: PreparedData;
beforeAll(async () => {
  data = await openPrepared(await prepareSmall(folder.path, 12_000, 1_100));
});
afterAll(() => folder.remove());

const configOf = (train: object) => runSchema.parse({ model: { key: 'shared-bottom' }, train });

test('the decay grows with the square of the odds of chance, between 2 and 60', () => {
  const decays = [0, 0.05, 0.2, 0.25, 0.5, 1].map((rho) => decayOf(rho, 235));
  expect(decays).toEqual([60, 60, expect.closeTo(16, 9), expect.closeTo(9, 9), 2, 2]);
});

test('an epoch of more steps takes less of a row in each', () => {
  expect([0, 0.2].map((rho) => decayOf(rho, 2350))).toEqual([6, expect.closeTo(1.6, 9)]);
  expect(decayOf(0.1, 10)).toBe(60); // one of fewer steps no more
});

test('auto names fields with at least 500 levels, with the decay of the rule', async () => {
  const { train } = await withIdDecay(configOf({ idDecay: 'auto' }), data);
  expect(train.idDecay).toEqual({ item: expect.any(Number) });
  const item = await byHand(data);
  const steps = Math.ceil(data.manifest.splits.train.rows / train.batchSize);
  expect((train.idDecay as { item: number }).item).toBeCloseTo(decayOf(item, steps), 2);
});

test('a field whose ids do not come again decays more: half of the items of later rows are new', async () => {
  const renewed = await openPrepared(await prepareSmall(folder.path, 12_000, 550, 'renewed', 12_000, undefined, 1_100));
  const rhos = [await byHand(renewed), await byHand(renewed, 1)];
  expect(rhos[0] / rhos[1]).toBeCloseTo(0.25, 1);
  const { train } = await withIdDecay(configOf({ idDecay: 'auto' }), renewed);
  const steps = Math.ceil(renewed.manifest.splits.train.rows / train.batchSize);
  expect((train.idDecay as { item: number }).item).toBeCloseTo(decayOf(rhos[0], steps), 2);
});

test('what other fields explain of an id is none of its own: the brand decides the labels, or the item does', async () => {
  const decays = await Promise.all(
    ['brand', 'item'].map(async (decides) => {
      const catalogue = await openPrepared(await prepareCatalogue(decides));
      const { train } = await withIdDecay(configOf({ idDecay: 'auto' }), catalogue);
      return (train.idDecay as { item: number }).item;
    }),
  );
  expect(decays).toEqual([60, 2]);
});

/** 600 items of 7 brands, the number of which is that of the item. */
async function prepareCatalogue(decides: string): Promise<string> {
  const draw = random('catalogue', decides);
  const likes = Array.from({ length: 600 }, () => draw.uniform());
  const lines = Array.from({ length: 12_000 }, () => {
    const item = draw.below(600);
    const chance = decides === 'item' ? likes[item] : likes[item % 7];
    return [`i${item}`, `b${item % 7}`, draw.below(2), Number(draw.uniform() < chance)].join(',');
  });
  writeFileSync(join(folder.path, `${decides}.csv`), ['item,brand,place,click', ...lines].join('\n'));
  const config = datasetSchema.parse({
    name: decides,
    sources: { log: { path: `${decides}.csv` } },
    fields: ['item', 'brand'].map((name) => ({ name, kind: 'categorical' })),
    scenario: { expression: 'place', values: [0, 1] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  const out = join(folder.path, decides);
  await prepare({ config, sourceFolder: folder.path, out });
  return out;
}

test('a number is for the same fields; named fields and "off" stay as they are', async () => {
  const decays = [3, 'off', { user: 2 }] as const;
  const found = await Promise.all(decays.map((idDecay) => withIdDecay(configOf({ idDecay }), data)));
  expect(found.map(({ train }) => train.idDecay)).toEqual([{ item: 3 }, 'off', { user: 2 }]);
});

test('auto takes at most half of a row in a step, whatever the learning rate', async () => {
  const { train } = await withIdDecay(configOf({ idDecay: 'auto', optimizer: 'sgd', learningRate: 2 }), data);
  expect(train.idDecay).toEqual({ item: 0.25 });
});

test('a decay that leaves nothing, and one for a field that is not there, are mistakes of the configuration', async () => {
  expect(() => configOf({ idDecay: { item: 50 }, learningRate: 0.02 })).toThrow(
    /below 1 \/ learningRate \(50\), found 50/,
  );
  const run = newRun(configOf({ idDecay: { itm: 5 } }), data, { parent: folder.path });
  await expect(run).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: { problems: [{ path: 'train.idDecay.itm', message: 'there is no field "itm"; the nearest is "item"' }] },
  });
});

/** The share of the items of a split that training rows know. */
async function shareKnown({ manifest, open }: PreparedData, split: 'train' | 'validation'): Promise<number> {
  const reader = await open(split);
  const known: boolean[] = [];
  for await (const { size, ids } of reader.batches({ batchSize: 500 }))
    for (let i = 0; i < size; i++) known.push(ids[(i * ids.length) / size + 1] - manifest.fields[1].offset > 1);
  await reader.close();
  return known.filter(Boolean).length / known.length;
}

/** The reliability of the item, written for one field and rows in memory. */
async function byHand(prepared: PreparedData, share?: number): Promise<number> {
  const { manifest, open } = prepared;
  const again = share ?? (await shareKnown(prepared, 'validation')) / (await shareKnown(prepared, 'train'));
  const { fields, scenarios, tasks } = manifest;
  const others = fields.filter(({ size }) => size < 502);
  const known = await Promise.all((['train', 'validation'] as const).map(async (of) => readRows(await open(of), 1e6)));
  const sizes = { scenarios: scenarios.length, tasks: tasks.length, tableRows: 1 };
  sizes.tableRows += others.reduce((sum, { size }) => sum + size, 0);
  const regression = fitLogistic(fields, sizes, known[0], known[1], (field) => others.includes(field));
  const reader = await open('train');
  const rows: { item: number; p: number[]; labels: number[] }[] = [];
  const { offset } = manifest.fields[1];
  for await (const batch of reader.batches({ batchSize: 500 })) {
    const logits = regression.logits(batch);
    for (let i = 0; i < batch.size; i++) {
      const slots = batch.ids.length / batch.size;
      const labels = [...batch.labels.subarray(2 * i, 2 * i + 2)];
      const p = [...logits.subarray(2 * i, 2 * i + 2)].map((logit) => 1 / (1 + Math.exp(-logit)));
      rows.push({ item: batch.ids[i * slots + 1] - offset, p, labels });
    }
  }
  await reader.close();
  const rhos = [0, 1].map((t) => {
    const labelled = rows.filter(({ item, labels }) => item > 1 && !Number.isNaN(labels[t]));
    const levels = new Set(labelled.map(({ item }) => item));
    let [above, below, total] = [0, 0, 0];
    for (const level of levels) {
      const own = labelled.filter(({ item }) => item === level);
      const r = own.reduce((sum, { labels, p }) => sum + labels[t] - p[t], 0);
      const vs = own.map(({ p }) => p[t] * (1 - p[t]));
      const v = vs.reduce((sum, one) => sum + one, 0);
      above += r * r - v;
      below += v * v - vs.reduce((sum, one) => sum + one * one, 0);
      total += v;
    }
    const shown = (Math.max(0, above / below) * total) / levels.size;
    return shown / (1 + shown);
  });
  return (Math.min(1, again) ** 2 * (rhos[0] + rhos[1])) / 2;
}
