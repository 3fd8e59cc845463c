/** The loss of a model of the zoo: its own forward function, differentiated by jax-js. */
import { expect } from 'vitest';
import { add, mul, reduceSum, softplus, sub, type Tensor } from '../../src/graph/index.ts';
import { buildForward } from '../../src/inference/graphs/forward.ts';
import { expectClose } from '../graph/support.ts';
import { feedsFor, gradients, open, type Setup, sum } from '../model/support.ts';
import { differentiate } from './jax.ts';

const ROWS = 10;

/** The training graph's loss, and its gradients by every parameter, the gathered embeddings and the items of sequences. */
export async function agreesWithTheOracle(setup: Setup): Promise<void> {
  const subject = await open(setup);
  const feeds = feedsFor(subject.training.inputs, setup, ROWS);
  const found = await subject.train(feeds);
  await subject.release();
  const ours = gradients(subject, found);

  const expected = await differentiate(lossOf(setup), [...ours.keys()], feeds, ROWS);
  const loss = { shape: [], data: Float64Array.of(sum(found.taskLosses.data) + found.penalty.data[0]) };
  expectClose(loss, expected.value, 1e-5, 'loss');
  for (const [name, data] of ours)
    expectClose({ shape: expected.gradients[name].shape, data }, expected.gradients[name], 1e-4, `gradient by ${name}`);
  expect(ours.has('embedding')).toBe(true);
}

function lossOf(setup: Setup): Tensor {
  const { graph, forward } = buildForward(setup, true);
  const labels = graph.input('labels', ['B', setup.sizes.tasks]);
  const rowLosses = sub(softplus(forward.logits), mul(labels, forward.logits)); // [B,T]
  const loss = reduceSum(mul(rowLosses, graph.input('lossWeights', ['B', setup.sizes.tasks])));
  const penalties = Object.values(forward.penalties ?? {});
  if (penalties.length === 0) return loss;
  const rowWeights = graph.input('rowWeights', ['B']);
  return penalties.reduce((total, perRow) => add(total, reduceSum(mul(perRow, rowWeights))), loss);
}
