/** Laws of a model that its tests try at random options and sizes. */
import { expect } from 'vitest';
import { layouts } from '../../src/interop/registry.ts';
import { networkOf } from '../../src/model/network.ts';
import { taskOutput } from '../../src/train/weighting/contract.ts';
import { expectClose, size } from '../graph/support.ts';
import { expectSlope, ROWS } from './laws.ts';
import { referenceLogits, referenceLoss } from './reference-loss.ts';
import { feedsFor, gradients, open, openTrainingForm, type Setup } from './support.ts';

/** Logits as scored and as trained, and the whole gradient along one direction. */
export async function holdsAt(setup: Setup): Promise<void> {
  const subject = await open(setup);
  const feeds = feedsFor([...subject.training.inputs, ...subject.inputs], setup, 5);
  expectClose(await subject.logits(feeds), referenceLogits(setup, feeds), 1e-4, 'logits', 1e-6);
  const loss = referenceLoss(setup, feeds);
  const trained = await openTrainingForm(setup);
  expectClose(await trained.logits(feeds), loss().logits, 1e-4, 'logits in training', 1e-6);
  await trained.release();
  expectSlope(loss, feeds, gradients(subject, await subject.train(feeds)), 'gradient');
  await subject.release();
}

/** The gradient of a task alone is what the graph gives when nothing else weighs anything. */
export async function tellsTasksApart(setup: Setup): Promise<void> {
  const plain = await open({ ...setup, taskGradients: 'norms' });
  const whole = await open({ ...setup, taskGradients: 'whole' });
  const feeds = feedsFor(plain.training.inputs, setup, ROWS);
  const [all, parts] = [await plain.train(feeds), await whole.train(feeds)];
  const names = Object.keys(all).filter((name) => name.endsWith('radient'));
  for (const name of names) expectClose(parts[name], all[name], 1e-4, `${name} of all tasks`, 1e-6);
  for (let task = 0; task < setup.sizes.tasks; task++) {
    const own = feeds.lossWeights.data.map((weight, i) => (i % setup.sizes.tasks === task ? weight : 0));
    const penalties = feeds.rowWeights && { rowWeights: { ...feeds.rowWeights, data: new Float32Array(ROWS) } };
    const only = await plain.train({ ...feeds, ...penalties, lossWeights: { ...feeds.lossWeights, data: own } });
    for (const name of names) expectClose(parts[taskOutput(task, name)], only[name], 1e-4, `${name} of ${task}`, 1e-6);
    const rows = names.filter((name) => name !== 'gradient').flatMap((name) => [...only[name].data]);
    expect(all.taskNorms.data[task], `norm of ${task}`).toBeCloseTo(Math.hypot(...rows), 5);
  }
  for (const subject of [plain, whole]) await subject.release();
}

/** Each element of a reference tensor has one place in a parameter of ours, and each place one element. */
export function mapsOneToOne({ model, options, sizes }: Setup): void {
  const { parameters } = networkOf(model, options, sizes);
  const taken = new Map(parameters.map(({ name, shape }) => [name, new Uint8Array(size(shape))]));
  const tensors = layouts.get(model.key)?.tensors(options, sizes) ?? [];
  expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
  for (const { name, shape, parameter, place } of tensors) {
    const places = taken.get(parameter);
    if (places === undefined) throw new Error(`${name} lies in ${parameter}, which the model does not declare`);
    for (let i = 0; i < size(shape); i++) {
      const at = place(i);
      if (!(at >= 0 && at < places.length && places[at] === 0))
        throw new Error(`element ${i} of ${name} ${shape} has place ${at} in ${parameter} of ${places.length}`);
      places[at] = 1;
    }
  }
  for (const [name, places] of taken)
    expect(
      places.every((count) => count === 1),
      `all of ${name} has a reference`,
    ).toBe(true);
}
