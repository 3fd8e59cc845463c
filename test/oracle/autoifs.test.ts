/** The loss of AutoIFS in both phases: the model's own forward function, differentiated by jax-js. */
import { expect, test } from 'vitest';
import { add, mul, reduceSum, softplus, sub, type Tensor } from '../../src/graph/index.ts';
import { findModel } from '../../src/model/registry.ts';
import { buildForward } from '../../src/train/graphs.ts';
import { expectClose } from '../graph/support.ts';
import { feedsFor, gradients, open, type Setup, setupOf, sum } from '../model/support.ts';
import { differentiate } from './jax.ts';

const ROWS = 10;
const PUBLISHED = { embeddingDim: 4, mlpDims: [12, 10, 8], gatePenalty: [0.2, 0.1] };
const DEEP = { embeddingDim: 3, mlpDims: [9, 8, 7], scenarioLayers: 2, taskDims: [6], loraRank: 3, gatePenalty: 0.3 };

function lossOf(setup: Setup): Tensor {
  const { graph, forward } = buildForward(setup, true);
  const labels = graph.input('labels', ['B', setup.sizes.tasks]);
  const rowLosses = sub(softplus(forward.logits), mul(labels, forward.logits)); // [B,T]
  const loss = reduceSum(mul(rowLosses, graph.input('lossWeights', ['B', setup.sizes.tasks])));
  const rowWeights = graph.input('rowWeights', ['B']);
  return Object.values(forward.penalties ?? {}).reduce(
    (total, perRow) => add(total, reduceSum(mul(perRow, rowWeights))),
    loss,
  );
}

test.each([
  ['search', 'the published depth', PUBLISHED, { fields: 3, scenarios: 3, tasks: 2 }],
  ['retrain', 'the published depth', PUBLISHED, { fields: 3, scenarios: 3, tasks: 2 }],
  ['search', 'deep stacks', DEEP, { fields: 4, scenarios: 2, tasks: 3 }],
  ['retrain', 'deep stacks', DEEP, { fields: 4, scenarios: 2, tasks: 3 }],
] as const)('%s, %s: loss and every gradient', async (phase, _title, options, sizes) => {
  const setup = setupOf(findModel('autoifs'), options, sizes, phase);
  const subject = await open(setup);
  const feeds = feedsFor(subject.training.inputs, setup, ROWS);
  const found = await subject.train(feeds);
  await subject.release();
  const ours = gradients(subject, found);

  const expected = await differentiate(lossOf(setup), [...ours.keys()], feeds, ROWS);
  expect(sum(found.taskLosses.data) + found.penalty.data[0]).toBeCloseTo(expected.value.data[0], 5);
  for (const [name, data] of ours)
    expectClose({ shape: expected.gradients[name].shape, data }, expected.gradients[name], 1e-4, `gradient by ${name}`);
});
