/** AutoIFS against the authors' module: outputs, loss and gradients of the fixtures. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gateGraph, inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { autoifs as authors } from '../../src/interop/layouts/autoifs.ts';
import { networkOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import { autoifs } from '../../src/model/zoo/autoifs/model.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { readSafetensors } from '../../src/store/safetensors.ts';
import { trainingGraph } from '../../src/train/step/graph.ts';
import { expectClose, float, int, size } from '../graph/support.ts';
import { type Feeds, feedsFor, gradients, open, type Setup, setupOf, sum } from './support.ts';

const FIXTURES = ['search-temp1', 'search-temp10', 'ticket', 'general-search', 'general-ticket'];

interface Tolerance {
  rtol: number;
  atol: number;
}

interface Description {
  mode: 'search' | 'ticket';
  temperature: number;
  reg_lambda?: number[];
  config: Record<string, unknown>;
  no_gradient: string[];
  tolerance: Record<'output' | 'output.loss' | 'grad', Tolerance>;
}

function load(name: string) {
  const path = join(import.meta.dirname, '../fixtures/models/autoifs', name);
  const description = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Description;
  const { tensors } = readSafetensors(`${path}.safetensors`);
  const tensor = (key: string): { shape: readonly number[]; data: number[] } => {
    const found = tensors.get(key);
    if (found === undefined) throw new Error(`${name} has no ${key}`);
    return { shape: found.shape, data: Array.from<number | bigint, number>(found.data, Number) };
  };
  const { mode, config, reg_lambda } = description;
  const { options, sizes } = authors.read(reg_lambda === undefined ? config : { ...config, reg_lambda });
  const phase = mode === 'ticket' ? 'retrain' : 'search';
  const setup: Setup = { model: findModel('autoifs'), options, sizes, phase, batchSize: 1 };
  return { description, tensor, tensors, setup, parts: authors.tensors(options, sizes) };
}

type Fixture = ReturnType<typeof load>;

/** The fixture's inputs and parameters, in our names and arrangement. */
function feedsOf({ description, tensor, setup, parts }: Fixture): Feeds {
  const { options, sizes } = setup;
  const feeds: Feeds = {};
  for (const { name, shape } of networkOf(setup.model, options, sizes).parameters)
    feeds[name] = float(new Float32Array(size(shape)), ...shape);
  for (const { name, parameter, place } of parts)
    tensor(`param.${name}`).data.forEach((value, i) => {
      feeds[parameter].data[place(i)] = value;
    });
  const ids = tensor('input.ids');
  const table = tensor('param.embedding.embedding');
  const [rows, fields] = ids.shape;
  const dimension = table.shape[1];
  const embedding = ids.data.map((id) => table.data.slice(id * dimension, (id + 1) * dimension)); // B*F times [D]
  feeds.embedding = float(embedding.flat(), rows, fields * dimension);
  feeds.scenario = int(tensor('input.scenario').data, rows);
  feeds.labels = float(tensor('input.labels').data, rows, sizes.tasks);
  feeds.lossWeights = float(new Float32Array(rows * sizes.tasks).fill(1 / rows), rows, sizes.tasks);
  feeds.rowWeights = float(new Float32Array(rows).fill(1 / rows), rows);
  feeds.temperature = float([description.temperature]);
  const gates = tensor('output.gates').data; // [B,T,4] there, [B,4*T] flow by flow here
  const width = 4 * sizes.tasks;
  feeds.gates = float(new Float32Array(rows * width), rows, width);
  gates.forEach((gate, i) => {
    const [row, task, flow] = [Math.floor(i / width), Math.floor(i / 4) % sizes.tasks, i % 4];
    feeds.gates.data[row * width + flow * sizes.tasks + task] = gate;
  });
  return feeds;
}

/** Every number within atol + rtol times the expected one. */
function expectWithin(
  actual: ArrayLike<number>,
  expected: readonly number[],
  { rtol, atol }: Tolerance,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]) / (atol + rtol * Math.abs(value))));
  expect(worst, `${what}: worst error over its tolerance`).toBeLessThanOrEqual(1);
}

describe('the fixtures', () => {
  test.each(FIXTURES)('%s', async (name) => {
    const fixture = load(name);
    const { description, tensor, tensors, setup, parts } = fixture;
    const { tolerance } = description;
    const feeds = feedsOf(fixture);

    const subject = await open(setup);
    const found = await subject.train(feeds);
    await subject.release();
    const loss = sum(found.taskLosses.data) + found.penalty.data[0];
    expectWithin([loss], tensor('output.loss').data, tolerance['output.loss'], 'loss');

    const byParameter = gradients(subject, found);
    const checked = parts.filter(({ parameter }) => byParameter.has(parameter));
    for (const { name, parameter, place } of checked) {
      const expected = tensor(`grad.${name}`).data;
      const own = byParameter.get(parameter) as Float32Array;
      const arranged = expected.map((_, i) => own[place(i)]);
      expectWithin(arranged, expected, tolerance.grad, `gradient by ${name}`);
    }
    expect([...checked.map((part) => part.name), ...description.no_gradient, 'embedding.embedding'].sort()).toEqual(
      [...tensors.keys()]
        .filter((key) => key.startsWith('param.'))
        .map((key) => key.slice('param.'.length))
        .sort(),
    );
    expectWithin(
      tableGradient(fixture, found.embeddingGradient),
      tensor('grad.embedding.embedding').data,
      tolerance.grad,
      'table',
    );

    const outputs = inferenceGraph(setup, (forward) => {
      const all = authors.outputs?.(setup.options as never, setup.sizes, forward) ?? {};
      return Object.fromEntries(Object.entries(all).map(([key, value]) => [`output.${key}`, value]));
    });
    const session = await createSession(outputs.bytes, { threads: 1 });
    const given = await session.run(feeds);
    await session.release();
    const keys = Object.keys(given).filter((key) => key.startsWith('output.'));
    expect(keys.length).toBeGreaterThanOrEqual(5);
    for (const key of keys) {
      expect(given[key].shape, key).toEqual(tensor(key).shape);
      expectWithin(given[key].data, tensor(key).data, tolerance.output, key);
    }
  });
});

/** Sums the gradients of the rows' embeddings into those of the table. */
function tableGradient({ tensor }: Fixture, { data }: Value): Float64Array {
  const [rows, dimension] = tensor('param.embedding.embedding').shape;
  const summed = new Float64Array(rows * dimension);
  tensor('input.ids').data.forEach((id, i) => {
    for (let d = 0; d < dimension; d++) summed[id * dimension + d] += data[i * dimension + d];
  });
  return summed;
}

test.each(['search', 'retrain'] as const)(
  '%s: both backends and both storages give equal losses and gradients',
  async (phase) => {
    const options = { embeddingDim: 8, mlpDims: [96, 80, 64], taskDims: [16], gatePenalty: 0.1 };
    const results: Feeds[] = [];
    for (const [backend, batchSize] of [
      ['node', 1],
      ['node', 4096],
      ['web', 4096],
    ] as const) {
      const setup = setupOf(findModel('autoifs'), options, { fields: 8, scenarios: 3, tasks: 2 }, phase, batchSize);
      const { bytes, inputs } = trainingGraph(setup);
      const session = await createSession(bytes, { backend, threads: 1 });
      results.push(await session.run(feedsFor(inputs, setup, 37)));
      await session.release();
    }
    const [first, ...others] = results;
    for (const other of others)
      for (const name of Object.keys(first)) expectClose(other[name], first[name], 1e-5, name);
  },
);

test('the layout for long batches differs from the plain one at these sizes', () => {
  const sizes = { fields: 8, scenarios: 3, tasks: 2 };
  const bytes = (batchSize: number): Uint8Array =>
    trainingGraph(setupOf(findModel('autoifs'), { embeddingDim: 8, mlpDims: [96, 80, 64] }, sizes, 'search', batchSize))
      .bytes;
  expect(Buffer.compare(bytes(1), bytes(4096))).not.toBe(0);
});

test('hard gates are soft gates in the limit of a high temperature', async () => {
  const options = { embeddingDim: 4, mlpDims: [9, 8, 7], taskDims: [5] };
  const setup = (phase: 'search' | 'retrain'): Setup =>
    setupOf(findModel('autoifs'), options, { fields: 3, scenarios: 3, tasks: 2 }, phase);
  const search = await open(setup('search'));
  const feeds = feedsFor(search.inputs, search.setup, 40);
  const gateSession = await createSession(gateGraph(setup('search')).bytes, { threads: 1 });
  const { gateLogits } = await gateSession.run(feeds);
  expect(gateLogits.shape).toEqual([40, 8]);
  const gates = { ...gateLogits, data: Float32Array.from(gateLogits.data, (w) => Number(w > 0)) };
  expect(new Set(gates.data)).toEqual(new Set([0, 1]));

  const retrain = await open(setup('retrain'));
  const soft = await search.logits({ ...feeds, temperature: float([1e7]) });
  expectClose(await retrain.logits({ ...feeds, gates }), soft, 1e-5);
  await Promise.all([search.release(), retrain.release(), gateSession.release()]);
});

describe('a reference configuration', () => {
  const config = { dim: 8, scenarios: 3, tasks: 2, vocab: [4, 5], feat_num: 9, mlp_dims: [32, 24, 16], lora_r: 2 };

  test('gives options and sizes', () => {
    const { options, sizes, tableRows } = authors.read(config);
    expect(options).toMatchObject({
      embeddingDim: 8,
      mlpDims: [32, 24, 16],
      scenarioLayers: 1,
      taskDims: [],
      loraRank: 2,
    });
    expect([sizes, tableRows]).toEqual([{ fields: 2, scenarios: 3, tasks: 2 }, 9]);
  });

  test('of any depth', () => {
    const { mlp_dims: _, ...rest } = config;
    const { options } = authors.read({ ...rest, share_dims: [9, 8], domain_dims: [7, 6], task_dims: [5] });
    expect(options).toMatchObject({ mlpDims: [9, 8, 7, 6], scenarioLayers: 2, taskDims: [5] });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown entry', { ...config, batch_norm: true }, 'batch_norm'],
    ['dropout, which a fixed result cannot have', { ...config, dropout: 0.5 }, 'dropout'],
    ['no widths', { ...config, mlp_dims: undefined }, 'needs either "mlp_dims" or "share_dims" with "domain_dims"'],
    ['no fields', { ...config, vocab: undefined }, 'how many fields a row has'],
    ['a rank of text', { ...config, lora_r: '2' }, 'lora_r'],
  ])('is refused with %s', (_name, wrong, text) => {
    expect(() => authors.read(wrong)).toThrow(text);
  });
});

test('options that leave no shared layer are refused', () => {
  const found = autoifs.options.safeParse({ mlpDims: [8, 4], scenarioLayers: 2 });
  expect(found.error?.issues).toMatchObject([{ path: ['scenarioLayers'] }]);
});

test('gate penalties that do not fit the tasks are a problem', () => {
  const problems = (gatePenalty: number | number[]) =>
    autoifs.problems?.({ ...autoifs.options.parse({}), gatePenalty }, { fields: 2, scenarios: 2, tasks: 2 });
  expect(problems([0.1, 0, 0.2])).toMatchObject([
    { path: 'model.gatePenalty', message: expect.stringContaining('found 3') },
  ]);
  for (const fitting of [0, 0.3, [0.1, 0]]) expect(problems(fitting)).toEqual([]);
});
