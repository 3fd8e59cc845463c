/** What only DTRN can know. */

import { expect, test } from 'vitest';
import { resolve } from '../../src/graph/index.ts';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../src/model/contract.ts';
import { networkOf } from '../../src/model/network.ts';
import { findModel, models } from '../../src/model/registry.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { expectClose, normals } from '../graph/support.ts';
import { diagnostics, scoringFeeds } from './diagnostics.ts';
import { type Feeds, open, type Setup, setupOf } from './support.ts';

const dtrn: ModelDefinition<CommonOptions> = findModel('dtrn');
const SMALL = { embeddingDim: 4, ffnDim: 5, conditionDim: 3, hyperDim: 4, top: { key: 'tower', towerDims: [4] } };
const SIZES: ModelSizes = {
  fields: 3,
  scenarios: 3,
  tasks: 2,
  sequences: { types: 2, length: 3, itemField: 1 },
};
const ROWS = 9;

const setup = (options: Record<string, unknown> = {}, sizes = SIZES): Setup =>
  setupOf(dtrn, { ...SMALL, ...options }, sizes, 'train');

async function logitsOf(one: Setup, ...feeds: Feeds[]): Promise<Value[]> {
  const subject = await open(one);
  const found: Value[] = [];
  for (const each of feeds) found.push(await subject.logits(each));
  await subject.release();
  return found;
}

/** Other numbers in `count` elements of an input, from element `from` on. */
function moved(feeds: Feeds, name: string, from: number, count: number): Feeds {
  const { shape, data } = feeds[name];
  const noise = normals(shape, 1, 'moved', name).data;
  const changed = Float32Array.from(data, (value, i) => (i >= from && i < from + count ? value + noise[i] : value));
  return { ...feeds, [name]: { type: 'float32', shape, data: changed } };
}

test('an empty sequence has no interest', () => {
  const one = setup();
  const feeds = scoringFeeds(one, ROWS); // row 0 has empty sequences only, row 1 full ones
  const { interests } = diagnostics(one, feeds); // [T,B,K,d]
  const ofRow = (row: number): number[] =>
    [0, 1].flatMap((task) => [...interests.data.slice((task * ROWS + row) * 8, (task * ROWS + row + 1) * 8)]);
  expect(ofRow(0).every((value) => value === 0)).toBe(true);
  expect(ofRow(1).every((value) => value !== 0)).toBe(true);
});

test('of a single item there is one way to make an interest', async () => {
  const sizes = { ...SIZES, sequences: { types: 2, length: 1, itemField: 1 } };
  const [target, mean] = ['target', 'mean'].map((pooling) => setup({ pooling }, sizes));
  const feeds = scoringFeeds(target, ROWS);
  const [[a], [b]] = [await logitsOf(target, feeds), await logitsOf(mean, feeds)];
  expectClose(a, b, 1e-5);
});

test('the order of items counts by their positions only', async () => {
  for (const positions of [true, false]) {
    const one = setup({ positions });
    const feeds = scoringFeeds(one, ROWS);
    feeds.sequenceMask.data.fill(1);
    const { shape, data } = feeds.sequences; // [B,K,3,4]
    const turned = Float32Array.from(data, (_, i) => {
      const item = Math.floor(i / 4) % 3;
      return data[i + 4 * (2 - 2 * item)];
    });
    const [as, otherwise] = await logitsOf(one, feeds, {
      ...feeds,
      sequences: { type: 'float32', shape, data: turned },
    });
    if (positions) expect(otherwise.data).not.toEqual(as.data);
    else expectClose(otherwise, as, 1e-5);
  }
});

/** Of [T, ...] parameters, and of [T, 3] embeddings, each task's own part is one Tth. */
test.each(['tim.task.embedding', 'trm.0.kernel', 'trm.1.bias', 'tower.0.kernel'])(
  'the part of %s that belongs to a task moves its logits alone',
  async (name) => {
    const one = setup();
    const feeds = scoringFeeds(one, ROWS);
    const own = feeds[name].data.length / 2;
    const [before, after] = await logitsOf(one, feeds, moved(feeds, name, own, own));
    const changes = (task: number): boolean[] =>
      Array.from({ length: ROWS }, (_, row) => before.data[2 * row + task] !== after.data[2 * row + task]);
    expect(changes(0)).not.toContain(true);
    expect(changes(1)).toContain(true);
  },
);

test('the embedding of a scenario moves the rows of that scenario alone', async () => {
  const one = setup({ scenarioConditioned: true, blocks: 2 });
  const feeds = scoringFeeds(one, 4 * ROWS);
  const [before, after] = await logitsOf(one, feeds, moved(feeds, 'tim.scenario.embedding', 3, 3)); // scenario 1
  const someItem = (row: number): boolean => feeds.sequenceMask.data.slice(6 * row, 6 * row + 6).includes(1);
  feeds.scenario.data.forEach((scenario, row) => {
    const same = [0, 1].every((task) => before.data[2 * row + task] === after.data[2 * row + task]);
    expect(same, `row ${row} of scenario ${scenario}`).toBe(scenario !== 1 || !someItem(row));
  });
});

test('attention of the first block is done once for all tasks, of later ones for each', () => {
  const scores = (tasks: number): number[] =>
    inferenceGraph(setup({ blocks: 2, attentionHeads: 1 }, { ...SIZES, tasks }))
      .products.filter(({ rows, columns }) => rows === 3 && columns === 3)
      .map(({ stack }) => resolve([stack], 1)[0]);
  expect(scores(1)).toEqual([2, 2]); // one head, two types
  expect(scores(3)).toEqual([2, 6]);
});

const able = [...models.values()].filter(({ top }) => top !== undefined).map(({ key }) => key);

test.each(able)('%s on top gives a logit for each task', (key) => {
  const one = setup({ top: { key } });
  const own = new Set(networkOf(dtrn, one.options, one.sizes).parameters.map(({ name }) => name));
  expect(own.size).toBe(networkOf(dtrn, one.options, one.sizes).parameters.length);
  expect(inferenceGraph(one).outputs).toEqual([{ name: 'logits', shape: ['B', 2], type: 'float32' }]);
});

test('without sequences it reads none, whatever the data have', () => {
  const names = inferenceGraph(setup({ sequences: false })).inputs.map(({ name }) => name);
  expect(names.filter((name) => /^(sequence|tim)/.test(name))).toEqual([]);
});

test('it says what does not fit', () => {
  const paths = (options: Record<string, unknown>, sizes: ModelSizes): string[] => {
    const one = setup(options, sizes);
    return dtrn.problems?.(one.options, one.sizes).map(({ path }) => path) ?? [];
  };
  const { sequences: _, ...none } = SIZES;
  expect(paths({}, SIZES)).toEqual([]);
  expect(paths({}, none)).toEqual(['model.sequences']);
  expect(paths({ sequences: false }, none)).toEqual([]);
  expect(paths({ sequences: false, scenarioConditioned: true }, none)).toEqual(['model.scenarioConditioned']);
  expect(paths({ attentionHeads: 3 }, SIZES)).toEqual(['model.attentionHeads']);
  expect(paths({ top: { key: 'esmm' } }, { ...SIZES, tasks: 3 })).toEqual(['model.top.key']);
});
