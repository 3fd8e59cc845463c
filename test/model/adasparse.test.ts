/** What only AdaSparse promises: its three forms of factors, the penalty on their sparsity, and the state that grows. */

import { expect, test } from 'vitest';
import { networkOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import { float, int } from '../graph/support.ts';
import { diagnostics, scoringFeeds } from './diagnostics.ts';
import { referenceLoss } from './reference-loss.ts';
import { type Feeds, feedsFor, open, setupOf } from './support.ts';

/** One row of two numbers, a layer of one, no say of the scenario. The first pruner's u is ln 3 and -ln 3, the second's 0. */
function oneRow(options: Record<string, unknown>) {
  const sizes = { fields: 1, scenarios: 1, tasks: 1 };
  const setup = setupOf(
    findModel('adasparse'),
    { embeddingDim: 2, dims: [1], scenarioDim: 1, ...options },
    sizes,
    'train',
  );
  const feeds: Feeds = {
    ...scoringFeeds(setup, 1),
    embedding: float([1, -1], 1, 2),
    scenario: int([0], 1),
    'buffer.alpha': float([2]),
    'pruner.0.kernel': float([0, 0, Math.log(3), 0, 0, Math.log(3)], 3, 2),
    'pruner.1.kernel': float([0, 0], 2, 1),
    labels: float([1], 1, 1),
    lossWeights: float([1], 1, 1),
    rowWeights: float([1], 1),
    rows: float([1]),
  };
  return { setup, feeds };
}

// sigma(ln 3) = 3/4, and with alpha = 2: sigma(2 ln 3) = 9/10.
test.each([
  ['scaling', 0.01, [1.5, 0.5], 1],
  ['scaling', 0.6, [1.5, 0], 1],
  ['fusion', 0.01, [1.8, 0.2], 1],
  ['fusion', 0.6, [1.8, 0], 1],
  ['fusion', 1.9, [0, 0], 0],
  ['binarisation', 0.05, [1, 1], 1],
  ['binarisation', 0.4, [1, 0], 1],
  ['binarisation', 0.6, [1, 0], 0],
])('factors of the form %s with epsilon %d', (form, epsilon, first, second) => {
  const { setup, feeds } = oneRow({ form, epsilon });
  const { factors0, factors1 } = diagnostics(setup, feeds);
  first.forEach((factor, i) => {
    expect(factors0.data[i]).toBeCloseTo(factor, 6);
  });
  expect(factors1.data[0]).toBeCloseTo(second, 6);
});

// Sparsities of 1/2 and 0; the middle of the range [0.2, 0.3] is 0.25.
test.each([
  [[0.2, 0.3], 3 * (0.0625 + 0.0625)],
  [[0, 0.5], 0],
  [[-0.2, 0.4], 3 * 0.16],
])('sparsity outside %j is penalised by its squared distance from the middle', (sparsityRange, expected) => {
  const { setup, feeds } = oneRow({ form: 'binarisation', epsilon: 0.4, sparsityWeight: 3, sparsityRange });
  expect(referenceLoss(setup, feeds)().penalty).toBeCloseTo(expected, 6);
});

test('alpha grows by the same at every training step and sharpens the factors from then on', async () => {
  const sizes = { fields: 2, scenarios: 2, tasks: 1 };
  const options = { embeddingDim: 3, dims: [4], alpha: 1.5, alphaGrowth: 0.25 };
  const setup = setupOf(findModel('adasparse'), options, sizes, 'train');
  expect(networkOf(setup.model, setup.options, sizes).buffers).toEqual([{ name: 'alpha', shape: [], initial: 1.5 }]);
  const subject = await open(setup);
  const feeds = { ...feedsFor(subject.training.inputs, setup, 4), 'buffer.alpha': float([1.5]) };
  const before = await subject.logits(feeds);
  const { buffers } = await subject.train(feeds);
  expect([...buffers.data]).toEqual([1.75]);
  expect(await subject.logits({ ...feeds, 'buffer.alpha': float([1.75]) })).not.toEqual(before);
  await subject.release();
});
