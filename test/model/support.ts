/** What the tests of models share: random feeds, sessions of a model's graphs, a plain training loop. */
import { random } from '../../src/base/random.ts';
import { type Port, resolve } from '../../src/graph/index.ts';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { loadKernels, regionBytes } from '../../src/kernels/index.ts';
import type { CommonOptions, ModelDefinition, ModelSizes, Phase } from '../../src/model/contract.ts';
import { networkOf } from '../../src/model/network.ts';
import type { SessionOptions, TensorData, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { type TrainingGraph, type TrainingRequest, trainingGraph } from '../../src/train/step/graph.ts';
import { draw } from '../../src/train/step/initialize.ts';
import { float, normals, size, wholes } from '../graph/support.ts';

export type Setup = TrainingRequest;
export type Feeds = Record<string, Value>;

export function setupOf(
  model: ModelDefinition<CommonOptions>,
  options: Record<string, unknown>,
  sizes: ModelSizes,
  phase: Phase,
  batchSize = 1,
): Setup {
  return { model, options: model.options.parse({ key: model.key, ...options }), sizes, phase, batchSize };
}

export const hasBuffers = ({ model, options, sizes }: Setup): boolean =>
  networkOf(model, options, sizes).buffers.length > 0;

export const phasesOf = (model: ModelDefinition<CommonOptions>): Phase[] =>
  model.flowSelection === undefined ? ['train'] : ['search', 'retrain'];

/**
 * Random numbers for every input of a graph, by its name and shape: the same name, shape and key give the same numbers.
 * Some labels are missing (loss weight 0); no two rows weigh the same.
 */
export function feedsFor(
  inputs: readonly Port[],
  { options, sizes }: Setup,
  rows: number,
  ...key: (string | number)[]
): Feeds {
  const missing = wholes([rows, sizes.tasks], 5, 'missing', ...key).data.map((n) => Number(n === 0));
  return Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const dims = resolve(shape, rows);
      const generator = random('feeds', name, ...key);
      const each = (f: (i: number) => number): Value =>
        float(
          Float32Array.from({ length: size(dims) }, (_, i) => f(i)),
          ...dims,
        );
      const positive = (): number => (0.5 + generator.uniform()) / rows;
      if (name === 'scenario') return [name, wholes(dims, sizes.scenarios, name, ...key)];
      if (name === 'labels') return [name, each(labelOf(sizes, missing, () => generator.below(2)))];
      if (name === 'lossWeights') return [name, each((i) => (missing[i] ? 0 : positive()))];
      if (name === 'rowWeights') return [name, each(positive)];
      if (name === 'gates') return [name, each(() => generator.below(2))];
      if (name === 'rows') return [name, float([rows])];
      if (name === 'sequences') return [name, normals(dims, 1, name, ...key)];
      if (name === 'sequenceMask') return [name, prefixMask(dims, (length) => generator.below(length + 1))];
      if (name.startsWith('buffer.')) return [name, each(() => 0.5 + generator.uniform())];
      if (name.startsWith('noise.')) return [name, each(() => generator.normal())];
      if (name.startsWith('dropout.'))
        return [name, each(() => (generator.uniform() < options.dropout ? 0 : 1 / (1 - options.dropout)))];
      if (dims.length === 0) return [name, float([1.7])];
      return [name, normals(dims, name === 'embedding' ? 1 : 1 / Math.sqrt(dims[0]), name, ...key)];
    }),
  );
}

/** Label i of [rows, T]: 0 where missing, else drawn; where tasks are ordered, 0 after a 0. */
function labelOf({ tasks, orderedTasks }: ModelSizes, missing: ArrayLike<number>, draw: () => number) {
  let before = 1;
  return (i: number): number => {
    if (i % tasks === 0) before = 1;
    if (missing[i]) return 0;
    const label = draw() * (orderedTasks ? before : 1);
    before = label;
    return label;
  };
}

/** [rows, K, L] ones, then zeros: all empty in row 0, all full in row 1, then as many ones as drawn for each sequence. */
function prefixMask([rows, types, length]: readonly number[], draw: (most: number) => number): Value {
  const mask = float(new Float32Array(rows * types * length), rows, types, length);
  for (let sequence = 0; sequence < rows * types; sequence++) {
    const row = Math.floor(sequence / types);
    const items = row === 0 ? 0 : row === 1 ? length : draw(length);
    mask.data.fill(1, sequence * length, sequence * length + items);
  }
  return mask;
}

export const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

/** A model ready to run: its training graph and its exported graph. */
export interface Subject {
  setup: Setup;
  training: TrainingGraph;
  /** Inputs of the exported graph. */
  inputs: readonly Port[];
  /** Losses and gradients. */
  train(feeds: Feeds): Promise<Feeds>;
  /** Logits of the exported graph. */
  logits(feeds: Feeds): Promise<Value>;
  release(): Promise<void>;
}

export async function open(setup: Setup, options: SessionOptions = { threads: 1 }): Promise<Subject> {
  const [training, inference] = [trainingGraph(setup), inferenceGraph(setup)];
  const trainer = await createSession(training.bytes, options);
  const exported = await createSession(inference.bytes, options);
  return {
    setup,
    training,
    inputs: inference.inputs,
    train: (feeds) => trainer.run(feeds),
    logits: async (feeds) => (await exported.run(feeds)).logits,
    release: async () => {
      await trainer.release();
      await exported.release();
    },
  };
}

/** Logits with the batch's own statistics and noise, as the training graph has them; dropout off. */
export async function openTrainingForm(setup: Setup): Promise<Pick<Subject, 'logits' | 'release'>> {
  const options = { ...setup.options, dropout: 0 };
  const { bytes, inputs } = inferenceGraph({ ...setup, options, training: true });
  const session = await createSession(bytes, { threads: 1 });
  return {
    logits: async (feeds) =>
      (await session.run(Object.fromEntries(inputs.map(({ name }) => [name, feeds[name]])))).logits,
    release: () => session.release(),
  };
}

/** The flat gradient taken apart, and the gradients of the embeddings and of the items of sequences. */
export function gradients({ training }: Subject, found: Feeds): Map<string, TensorData> {
  let from = 0;
  const parts = training.trainable.map(({ name, shape }): [string, TensorData] => {
    const part = found.gradient.data.subarray(from, from + size(shape));
    from += part.length;
    return [name, part];
  });
  if (from !== found.gradient.data.length)
    throw new Error(`the flat gradient has ${found.gradient.data.length} numbers, not ${from}`);
  const { embeddingGradient, sequenceGradient } = found;
  const rows = { embedding: embeddingGradient, ...(sequenceGradient && { sequences: sequenceGradient }) };
  return new Map([...parts, ...Object.entries(rows).map(([name, { data }]): [string, TensorData] => [name, data])]);
}

export interface Fit {
  /** Loss of each step. */
  losses: number[];
  /** Parameters afterwards, by name, and the rows' embeddings. */
  learned: Feeds;
}

/**
 * Trains on the rows given by `feeds` with Adam. Parameters begin as their initialisers say, drawn from `seed`; the rows'
 * embeddings learn too. Dropout masks change with every step, or stay as fed.
 */
export async function fitted(
  { setup, training, train }: Subject,
  feeds: Feeds,
  {
    steps,
    seed,
    learningRate = 0.03,
    dropout = true,
  }: { steps: number; seed: number; learningRate?: number; dropout?: boolean },
): Promise<Fit> {
  const kernels = await loadKernels();
  const count = sum(training.trainable.map(({ shape }) => size(shape)));
  const masks = dropout ? training.dropout.map(({ input }) => input) : [];
  const lengths = [count, feeds.embedding.data.length];
  const arena = kernels.createArena(
    4 * sum(lengths.map(regionBytes)) + sum(masks.map((name) => regionBytes(feeds[name].data.length))),
  );
  const [dense, embedding] = lengths.map((length) => ({
    parameter: arena.floats(length),
    gradient: arena.floats(length),
    first: arena.floats(length),
    second: arena.floats(length),
    from: 0,
    to: length,
  }));
  embedding.parameter.view.set(feeds.embedding.data);
  const learned: Feeds = { embedding: { ...feeds.embedding, data: embedding.parameter.view } };
  let from = 0;
  for (const { name, shape, initializer } of training.trainable) {
    const data = dense.parameter.view.subarray(from, from + size(shape));
    const generator = random('fit', seed, name);
    data.set(data.map(() => draw(initializer, generator)));
    learned[name] = { type: 'float32', shape, data };
    from += data.length;
  }
  const drawn = masks.map((name) => ({ name, region: arena.floats(feeds[name].data.length) }));
  const fed = { ...feeds, ...learned };
  for (const { name, region } of drawn) fed[name] = { ...feeds[name], data: region.view };

  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    drawn.forEach(({ region }, i) => {
      kernels.dropoutMask(region, region.view.length, 1 - setup.options.dropout, seed, step * drawn.length + i);
    });
    const found = await train(fed);
    losses.push(sum(found.taskLosses.data) + found.penalty.data[0]);
    dense.gradient.view.set(found.gradient.data);
    embedding.gradient.view.set(found.embeddingGradient.data);
    for (const vector of [dense, embedding]) kernels.adam(vector, { ...ADAM, learningRate, step });
  }
  return { losses, learned };
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 0, weightDecay: 0, gradientScale: 1 };
