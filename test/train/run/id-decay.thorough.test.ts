/** The decay that a run takes from its data. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../../src/config/run.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { decayOf, withIdDecay } from '../../../src/train/run/id-decay.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { prepareSmall, temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
let data: PreparedData;
beforeAll(async () => {
  data = await openPrepared(await prepareSmall(folder.path, 12_000, 1_100));
});
afterAll(() => folder.remove());

const configOf = (train: object) => runSchema.parse({ model: { key: 'shared-bottom' }, train });

test('the decay grows with the square of the odds of chance, between 4 and 60', () => {
  const decays = [0, 0.05, 0.5, 0.8, 0.9, 1].map((rho) => decayOf(rho, 235));
  expect(decays).toEqual([60, 60, 60, expect.closeTo(11.25, 9), 4, 4]);
});

test('an epoch of more steps takes less of a row in each', () => {
  expect([0, 0.8].map((rho) => decayOf(rho, 2350))).toEqual([6, expect.closeTo(1.125, 9)]);
  expect(decayOf(0.5, 10)).toBe(60); // one of fewer steps no more
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
  expect(rhos[0] / rhos[1]).toBeCloseTo(0.5, 1);
  const { train } = await withIdDecay(configOf({ idDecay: 'auto' }), renewed);
  const steps = Math.ceil(renewed.manifest.splits.train.rows / train.batchSize);
  expect((train.idDecay as { item: number }).item).toBeCloseTo(decayOf(rhos[0], steps), 2);
});

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
  const reader = await open('train');
  const rows: { item: number; scenario: number; labels: number[] }[] = [];
  const { offset } = manifest.fields[1];
  for await (const batch of reader.batches({ batchSize: 500 }))
    for (let i = 0; i < batch.size; i++) {
      const slots = batch.ids.length / batch.size;
      const labels = [...batch.labels.subarray(2 * i, 2 * i + 2)];
      rows.push({ item: batch.ids[i * slots + 1] - offset, scenario: batch.scenario[i], labels });
    }
  await reader.close();
  const rhos = [0, 1].map((t) => {
    const known = rows.filter(({ item, labels }) => item > 1 && !Number.isNaN(labels[t]));
    const ofScenario = (s: number) =>
      rows.filter(({ scenario, labels }) => scenario === s && !Number.isNaN(labels[t])).map(({ labels }) => labels[t]);
    const p = [0, 1].map((s) => ofScenario(s).reduce((sum, y) => sum + y, 0) / ofScenario(s).length);
    const levels = new Set(known.map(({ item }) => item));
    let [above, below, total] = [0, 0, 0];
    for (const level of levels) {
      const own = known.filter(({ item }) => item === level);
      const r = own.reduce((sum, { labels, scenario }) => sum + labels[t] - p[scenario], 0);
      const vs = own.map(({ scenario }) => p[scenario] * (1 - p[scenario]));
      const v = vs.reduce((sum, one) => sum + one, 0);
      above += r * r - v;
      below += v * v - vs.reduce((sum, one) => sum + one * one, 0);
      total += v;
    }
    const shown = (Math.max(0, above / below) * total) / levels.size;
    return shown / (1 + shown);
  });
  return (Math.min(1, again) * (rhos[0] + rhos[1])) / 2;
}
