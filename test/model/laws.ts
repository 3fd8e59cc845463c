/** The laws of a model of given options and sizes, each on its training graph and its exported graph. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { networkOf } from '../../src/model/network.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import type { TrainingGraph } from '../../src/train/step/graph.ts';
import { expectClose, normals, size } from '../graph/support.ts';
import { lossOf, referenceLoss, slopeAlong } from './reference-loss.ts';
import {
  type Feeds,
  feedsFor,
  fitted,
  gradients,
  hasBuffers,
  openTrainingForm,
  type Setup,
  type Subject,
  sum,
} from './support.ts';

/** Rows of a batch. */
export const ROWS = 12;

/** The scenario that alone owns an element of a parameter; undefined for what scenarios share. */
export type Owner = (setup: Setup, parameter: string, index: number) => number | undefined;

export async function givesLogits({ setup, training, inputs, logits }: Subject): Promise<void> {
  const { outputs } = inferenceGraph(setup);
  expect(outputs).toEqual([{ name: 'logits', shape: ['B', setup.sizes.tasks], type: 'float32' }]);
  const { type, shape, data } = await logits(feedsFor(inputs, setup, ROWS));
  expect([type, shape]).toEqual(['float32', [ROWS, setup.sizes.tasks]]);
  expect(data.every(Number.isFinite)).toBe(true);
  expect(new Set(data).size).toBeGreaterThan(1);
  const masks = training.dropout.map(({ input }) => input);
  expect(masks.length > 0, 'dropout masks').toBe(setup.options.dropout > 0);
  expect(new Set(masks).size, 'a mask of its own for each dropped value').toBe(masks.length);
}

/** Along one random direction for each parameter, so that every element counts. */
export async function hasGradients(subject: Subject): Promise<void> {
  const { setup, training } = subject;
  const feeds = feedsFor(training.inputs, setup, ROWS);
  const loss = referenceLoss(setup, feeds);
  const found = await subject.train(feeds);
  const { tasks, penalty } = loss();
  expectClose(found.taskLosses, { shape: [setup.sizes.tasks], data: tasks }, 1e-5, 'losses of the tasks');
  expectClose(found.penalty, { shape: [], data: [penalty] }, 1e-5, 'penalty');
  for (const [name, gradient] of gradients(subject, found))
    expectSlope(loss, feeds, new Map([[name, gradient]]), `gradient by ${name}`);
}

type Gradients = ReturnType<typeof gradients>;

/** The gradients' products with random directions add up to the slope of the loss along these. */
export function expectSlope(loss: ReturnType<typeof referenceLoss>, feeds: Feeds, of: Gradients, what: string): void {
  const directions = Object.fromEntries(
    [...of.keys()].map((name) => [name, normals(feeds[name].shape, 1, 'direction', name).data]),
  );
  const each = [...of].flatMap(([name, gradient]) => Array.from(gradient, (g, i) => [g, directions[name][i]]));
  const dot = sum(each.map(([g, d]) => g * d));
  const norm = Math.sqrt(sum(each.map(([g]) => g * g)));
  const slope = slopeAlong(loss, feeds, directions);
  expect(Math.abs(dot - slope), `${what}: ${dot} along a direction, for ${slope}`).toBeLessThan(1e-4 * norm + 1e-7);
}

export async function permutesRows({ setup, inputs, logits }: Subject): Promise<void> {
  const feeds = feedsFor(inputs, setup, ROWS);
  const order = Array.from({ length: ROWS }, (_, i) => (5 * i + 3) % ROWS);
  const permuted = Object.fromEntries(
    inputs.map(({ name, shape }) => [name, shape[0] === 'B' ? rowsOf(feeds[name], order) : feeds[name]]),
  );
  expectClose(await logits(permuted), rowsOf(await logits(feeds), order), 1e-5);
}

/** No row's score depends on the other rows of its batch. */
export async function scoresRowsAlone({ setup, inputs, logits }: Subject): Promise<void> {
  const feeds = feedsFor(inputs, setup, 3);
  const together = await logits(feeds);
  for (let row = 0; row < 3; row++) {
    const alone = Object.fromEntries(
      inputs.map(({ name, shape }) => [name, shape[0] === 'B' ? rowsOf(feeds[name], [row]) : feeds[name]]),
    );
    expectClose(await logits(alone), rowsOf(together, [row]), 1e-5, `row ${row} alone`);
  }
}

/** The rows of a [B, ...] value in the given order. */
function rowsOf({ type, shape, data }: Value, order: readonly number[]): Value {
  const width = size(shape.slice(1));
  const picked = data.slice(0, order.length * width);
  order.forEach((row, i) => {
    picked.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return { type, shape: [order.length, ...shape.slice(1)], data: picked };
}

/** Not even the last bit of a logit changes. */
export async function ignoresPadding({ setup, inputs, logits }: Subject): Promise<void> {
  const feeds = feedsFor(inputs, setup, ROWS);
  const { sequences, sequenceMask: mask } = feeds;
  const width = sequences.data.length / mask.data.length;
  const other = normals(sequences.shape, 1, 'padding').data;
  const data = Float32Array.from(sequences.data, (value, i) =>
    mask.data[Math.floor(i / width)] === 0 ? other[i] : value,
  );
  expect(data).not.toEqual(sequences.data);
  expect(await logits({ ...feeds, sequences: { ...sequences, data } })).toEqual(await logits(feeds));
}

export async function keepsScenariosApart({ setup, inputs, logits }: Subject, owner: Owner): Promise<void> {
  const feeds = feedsFor(inputs, setup, 4 * ROWS);
  const before = await logits(feeds);
  const row = (of: Value, i: number): number[] => [...rowsOf(of, [i]).data];
  for (let moved = 0; moved < setup.sizes.scenarios; moved++) {
    let elements = 0;
    const changed = { ...feeds };
    for (const { name } of inputs.filter(({ shape }) => !shape.includes('B'))) {
      const noise = normals(feeds[name].shape, 1, 'moved', name).data;
      const data = Float32Array.from(feeds[name].data, (value, i) => {
        if (owner(setup, name, i) !== moved) return value;
        elements++;
        return value + noise[i];
      });
      changed[name] = { ...feeds[name], data };
    }
    expect(elements, `parameters of scenario ${moved}`).toBeGreaterThan(0);
    const after = await logits(changed);
    feeds.scenario.data.forEach((scenario, i) => {
      if (scenario === moved) expect(row(after, i), `row ${i} of its own scenario`).not.toEqual(row(before, i));
      else expect(row(after, i), `row ${i} of scenario ${scenario}`).toEqual(row(before, i));
    });
  }
}

/**
 * The training graph tells losses only: they must be those of the exported graph's logits. Where a model normalises by the
 * batch or draws noise, of the exported graph that does so too.
 */
export async function exportsItself(subject: Subject): Promise<void> {
  const { setup, training, train } = subject;
  const differs = hasBuffers(setup) || training.noise.length > 0;
  const { logits, release } = differs ? await openTrainingForm(setup) : { ...subject, release: () => {} };
  for (const rows of [1, 7, 1000]) {
    const feeds = withoutDropout(training, feedsFor(training.inputs, setup, rows));
    const { shape, data } = await logits(feeds);
    const { tasks } = lossOf({ shape, data: Float64Array.from(data) }, [], feeds);
    const { taskLosses } = await train(feeds);
    expectClose(taskLosses, { shape: [tasks.length], data: tasks }, 2e-5, `losses at B = ${rows}`);
  }
  await release();
}

function withoutDropout({ dropout }: TrainingGraph, feeds: Feeds): Feeds {
  for (const { input } of dropout) feeds[input].data.fill(1);
  return feeds;
}

export async function repeats(subject: Subject): Promise<void> {
  const feeds = feedsFor(subject.training.inputs, subject.setup, ROWS);
  const once = await fitted(subject, feeds, { steps: 5, seed: 1 });
  expect(await fitted(subject, feeds, { steps: 5, seed: 1 })).toEqual(once);
  expect((await fitted(subject, feeds, { steps: 1, seed: 2 })).losses[0]).not.toBe(once.losses[0]);
}

export async function overfits(subject: Subject): Promise<void> {
  const { setup, training } = subject;
  const feeds = withoutDropout(training, feedsFor(training.inputs, setup, 32));
  const { learned } = await fitted(subject, feeds, { steps: 150, seed: 3, dropout: false });
  const { taskLosses } = await subject.train({ ...feeds, ...learned });
  for (const loss of taskLosses.data) expect(loss).toBeLessThan(0.05);
}

export async function survivesSaving(subject: Subject): Promise<void> {
  const { setup, training, inputs, logits } = subject;
  const feeds = { ...feedsFor(inputs, setup, ROWS), ...feedsFor(training.inputs, setup, ROWS) };
  const { learned } = await fitted(subject, feeds, { steps: 3, seed: 4 });
  const before = await logits({ ...feeds, ...learned });
  expect(before).not.toEqual(await logits(feeds));

  const folder = mkdtempSync(join(tmpdir(), 'tributary-model-'));
  try {
    const path = join(folder, 'weights.safetensors');
    writeSafetensors(
      path,
      Object.entries(learned).map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
    );
    const loaded = [...readSafetensors(path).tensors].map(([name, { shape, data }]) => [
      name,
      { type: 'float32', shape, data },
    ]);
    expect(await logits({ ...feeds, ...Object.fromEntries(loaded) })).toEqual(before);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Every parameter that learns reaches the loss; the others are the gates' own, once gates are fed. */
export async function usesItsParameters(subject: Subject): Promise<void> {
  const { setup, training } = subject;
  const found = await subject.train(feedsFor(training.inputs, setup, 4 * ROWS));
  for (const [name, gradient] of gradients(subject, found))
    expect(
      gradient.some((value) => value !== 0),
      `some gradient by ${name}`,
    ).toBe(true);
  const learns = new Set(training.trainable.map(({ name }) => name));
  for (const { name } of networkOf(setup.model, setup.options, setup.sizes).parameters.filter(
    ({ name }) => !learns.has(name),
  ))
    expect([name, setup.phase, setup.model.flowSelection?.isGateParameter(name)]).toEqual([name, 'retrain', true]);
}
