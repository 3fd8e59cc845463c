/**
 * AutoIFS' mirror: with one task layer, turning the signs of the last scenario layer and of the gates leaves every logit
 * as it is, because relu(-d) = relu(d) - d. Kept flows become removed ones and the other way round. The initialisers
 * draw both signs alike and optimisers keep the symmetry, so both trainings are equally likely: a keep-rate alone does
 * not say that a flow is useful. What a model uses is read from its logits (see src/data/synthetic/recovery.ts).
 */

import { expect, test } from 'vitest';
import { gateGraph } from '../../src/inference/graphs/forward.ts';
import { networkOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import { createSession } from '../../src/runtime/session.ts';
import { expectClose } from '../graph/support.ts';
import { type Feeds, feedsFor, gradients, open, setupOf } from './support.ts';

const sizes = { fields: 3, scenarios: 3, tasks: 2 };
const setup = (options: object) =>
  setupOf(findModel('autoifs'), { embeddingDim: 4, mlpDims: [9, 8, 7], ...options }, sizes, 'search');

/** Parameters whose signs turn; `scenario.0.lora.down` and `task.0.lora.down` are paired with a part that does. */
const turns = (name: string): boolean =>
  /^(scenario\.0\.(kernel|bias|lora\.up|lora\.bias)|task\.0\.(bias|lora\.bias)|gate\.head\.(kernel|bias))$/.test(name);

const mirrored = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      turns(name) ? { ...value, data: Float32Array.from(value.data, (x) => -x) } : value,
    ]),
  );

test('mirrored parameters give the same logits, losses and mirrored gradients, with every gate turned round', async () => {
  const subject = await open(setup({}));
  const names = networkOf(findModel('autoifs'), subject.setup.options, sizes).parameters.map((p) => p.name);
  expect(names.filter(turns)).toHaveLength(8);
  const feeds = feedsFor([...subject.inputs, ...subject.training.inputs], subject.setup, 40);
  const other = mirrored(feeds);
  expectClose(await subject.logits(other), await subject.logits(feeds), 1e-5);

  const [plain, turned] = [await subject.train(feeds), await subject.train(other)];
  expectClose(turned.taskLosses, plain.taskLosses, 1e-6);
  const expected = gradients(subject, plain);
  for (const [name, gradient] of gradients(subject, turned)) {
    const signed = Array.from(expected.get(name) ?? [], (g) => (turns(name) ? -g : g));
    const scale = Math.max(...signed.map(Math.abs));
    gradient.forEach((g, i) => {
      expect(Math.abs(g - signed[i]), `${name}[${i}]`).toBeLessThan(1e-4 * scale);
    });
  }
  await subject.release();

  const gates = await createSession(gateGraph(setup({})).bytes, { threads: 1 });
  const [{ gateLogits: left }, { gateLogits: right }] = [await gates.run(feeds), await gates.run(other)];
  await gates.release();
  expect(left.data.some((w) => Math.abs(w) > 0.1)).toBe(true);
  left.data.forEach((w, i) => {
    expect(right.data[i]).toBeCloseTo(-w, 5);
  });
});

test('hidden task layers, and a penalty on the gates, break the mirror', async () => {
  const deep = await open(setup({ taskDims: [5] }));
  const feeds = feedsFor(deep.inputs, deep.setup, 40);
  const turned = mirrored(feeds);
  const [a, b] = [await deep.logits(feeds), await deep.logits(turned)];
  await deep.release();
  expect(a.data.some((x, i) => Math.abs(x - b.data[i]) > 0.01)).toBe(true);

  const penalised = await open(setup({ gatePenalty: 1 }));
  const all = feedsFor(penalised.training.inputs, penalised.setup, 40);
  const [before, after] = [await penalised.train(all), await penalised.train(mirrored(all))];
  await penalised.release();
  expect(Math.abs(before.penalty.data[0] - after.penalty.data[0])).toBeGreaterThan(1e-3);
});
