/** The laws that every model of the zoo keeps, on small sizes. A model's test gives its cases and what only it can know. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/artifact/safetensors.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../src/model/contract.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { inferenceGraph, type TrainingGraph } from '../../src/train/graphs.ts';
import { taskOutput } from '../../src/train/weighting/contract.ts';
import { expectClose, normals, size } from '../graph/support.ts';
import { lossOf, referenceLogits, referenceLoss, slopeAlong } from './reference-loss.ts';
import {
  type Feeds,
  feedsFor,
  fitted,
  gradients,
  hasBuffers,
  open,
  openTrainingForm,
  phasesOf,
  type Setup,
  type Subject,
  setupOf,
  sum,
} from './support.ts';

export interface ModelCase {
  title: string;
  /** Options that differ from the defaults; keep widths below 10, so that finite differences stay quick. */
  options: Record<string, unknown>;
  sizes: ModelSizes;
}

/** The scenario that alone owns an element of a parameter; undefined for what scenarios share. */
export type Owner = (setup: Setup, parameter: string, index: number) => number | undefined;

export interface ModelCases {
  cases: readonly ModelCase[];
  /** Which elements belong to one scenario only, or why the model has none. */
  scenarioOwner: Owner | string;
  /** Options and sizes of any kind that the model allows, small: ones among them, no dropout. */
  anySizes: fc.Arbitrary<{ options: Record<string, unknown>; sizes: ModelSizes }>;
}

type Definition = ModelDefinition<CommonOptions>;

const ROWS = 12;

/** Runs the laws over a model. */
export function modelContract(model: Definition, { cases, scenarioOwner, anySizes }: ModelCases): void {
  describe(`the model ${model.key}`, () => {
    describe.each(cases)('$title', ({ options, sizes }) => {
      describe.each(phasesOf(model))('%s', (phase) => {
        let subject: Subject;
        beforeAll(async () => {
          subject = await open(setupOf(model, options, sizes, phase));
        });
        afterAll(() => subject?.release());

        test('gives finite logits, one a row and task', () => givesLogits(subject));
        test('has the gradients that finite differences give', () => hasGradients(subject));
        test('uses each of its parameters', () => usesItsParameters(subject));
        test('gives the rows of a permuted batch permuted logits', () => permutesRows(subject));
        if (typeof scenarioOwner === 'function')
          test("leaves a row alone when another scenario's own parameters change", () =>
            keepsScenariosApart(subject, scenarioOwner));
        else test.skip(`has no parameters of one scenario: ${scenarioOwner}`, () => {});
        if (sizes.sequences !== undefined)
          test('ignores what stands at padded places of sequences', () => ignoresPadding(subject));
        test('scores a row alone as in a batch', () => scoresRowsAlone(subject));
        test('exports a graph that agrees with the training graph at any batch', () => exportsItself(subject));
        test('trains to the same bits from the same seed', () => repeats(subject));
        test('can learn 32 rows by heart', () => overfits(subject));
        test('gives the same logits from saved and loaded parameters', () => survivesSaving(subject));
      });
    });

    // Saved runs and imported weights are found by these names: change the file only together with a way to read old runs.
    test('names its parameters as before', () => {
      const sequences = { types: 3, length: 5, itemField: 1 };
      const setup = setupOf(model, {}, { fields: 8, scenarios: 3, tasks: 2, sequences }, phasesOf(model)[0]);
      const list = model.parameters(setup.options, setup.sizes);
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
      const golden = join(import.meta.dirname, `golden/${model.key}.json`);
      const found = list.map(({ name, shape, group }) => ({ name, shape, group }));
      if (process.env.UPDATE_GOLDEN === '1')
        writeFileSync(golden, `[${found.map((one) => `\n  ${JSON.stringify(one)}`).join()}\n]\n`);
      expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
    });

    test.each(phasesOf(model))('holds at any sizes: %s', async (phase) => {
      const property = fc.asyncProperty(anySizes, ({ options, sizes }) =>
        holdsAt(setupOf(model, options, sizes, phase)),
      );
      await fc.assert(property, { numRuns: 5, seed: 11 });
    });

    test.each(phasesOf(model))('tells the tasks apart for those who weigh them: %s', (phase) =>
      tellsTasksApart(setupOf(model, cases[0].options, cases[0].sizes, phase)),
    );

    test.skipIf(model.reference === undefined)('gives every number of the reference one place', () => {
      const property = fc.property(anySizes, ({ options, sizes }) =>
        mapsOneToOne(setupOf(model, options, sizes, 'train')),
      );
      fc.assert(property, { numRuns: 60, seed: 7 });
    });
  });
}

async function givesLogits({ setup, training, inputs, logits }: Subject): Promise<void> {
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
async function hasGradients(subject: Subject): Promise<void> {
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
function expectSlope(loss: ReturnType<typeof referenceLoss>, feeds: Feeds, of: Gradients, what: string): void {
  const directions = Object.fromEntries(
    [...of.keys()].map((name) => [name, normals(feeds[name].shape, 1, 'direction', name).data]),
  );
  const each = [...of].flatMap(([name, gradient]) => Array.from(gradient, (g, i) => [g, directions[name][i]]));
  const dot = sum(each.map(([g, d]) => g * d));
  const norm = Math.sqrt(sum(each.map(([g]) => g * g)));
  const slope = slopeAlong(loss, feeds, directions);
  expect(Math.abs(dot - slope), `${what}: ${dot} along a direction, for ${slope}`).toBeLessThan(1e-4 * norm + 1e-7);
}

/** Logits as scored and as trained, and the whole gradient along one direction. */
async function holdsAt(setup: Setup): Promise<void> {
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
async function tellsTasksApart(setup: Setup): Promise<void> {
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

async function permutesRows({ setup, inputs, logits }: Subject): Promise<void> {
  const feeds = feedsFor(inputs, setup, ROWS);
  const order = Array.from({ length: ROWS }, (_, i) => (5 * i + 3) % ROWS);
  const permuted = Object.fromEntries(
    inputs.map(({ name, shape }) => [name, shape[0] === 'B' ? rowsOf(feeds[name], order) : feeds[name]]),
  );
  expectClose(await logits(permuted), rowsOf(await logits(feeds), order), 1e-5);
}

/** No row's score depends on the other rows of its batch. */
async function scoresRowsAlone({ setup, inputs, logits }: Subject): Promise<void> {
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
async function ignoresPadding({ setup, inputs, logits }: Subject): Promise<void> {
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

async function keepsScenariosApart({ setup, inputs, logits }: Subject, owner: Owner): Promise<void> {
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
async function exportsItself(subject: Subject): Promise<void> {
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

async function repeats(subject: Subject): Promise<void> {
  const feeds = feedsFor(subject.training.inputs, subject.setup, ROWS);
  const once = await fitted(subject, feeds, { steps: 5, seed: 1 });
  expect(await fitted(subject, feeds, { steps: 5, seed: 1 })).toEqual(once);
  expect((await fitted(subject, feeds, { steps: 1, seed: 2 })).losses[0]).not.toBe(once.losses[0]);
}

async function overfits(subject: Subject): Promise<void> {
  const { setup, training } = subject;
  const feeds = withoutDropout(training, feedsFor(training.inputs, setup, 32));
  const { learned } = await fitted(subject, feeds, { steps: 150, seed: 3, dropout: false });
  const { taskLosses } = await subject.train({ ...feeds, ...learned });
  for (const loss of taskLosses.data) expect(loss).toBeLessThan(0.05);
}

async function survivesSaving(subject: Subject): Promise<void> {
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
async function usesItsParameters(subject: Subject): Promise<void> {
  const { setup, training } = subject;
  const found = await subject.train(feedsFor(training.inputs, setup, 4 * ROWS));
  for (const [name, gradient] of gradients(subject, found))
    expect(
      gradient.some((value) => value !== 0),
      `some gradient by ${name}`,
    ).toBe(true);
  const learns = new Set(training.trainable.map(({ name }) => name));
  for (const { name } of setup.model.parameters(setup.options, setup.sizes).filter(({ name }) => !learns.has(name)))
    expect([name, setup.phase, setup.model.flowSelection?.isGateParameter(name)]).toEqual([name, 'retrain', true]);
}

/** Each element of a reference tensor has one place in a parameter of ours, and each place one element. */
function mapsOneToOne({ model, options, sizes }: Setup): void {
  const taken = new Map(model.parameters(options, sizes).map(({ name, shape }) => [name, new Uint8Array(size(shape))]));
  const tensors = model.reference?.tensors(options, sizes) ?? [];
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
