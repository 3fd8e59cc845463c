/** AESM² against its formulas in plain float64 loops, and what its options change. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Graph, reshape, slice, softmax, type Tensor, transpose } from '../../src/graph/index.ts';
import { buildForward, inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { ranks } from '../../src/model/layers/rank.ts';
import { findModel } from '../../src/model/registry.ts';
import { aesm2 } from '../../src/model/zoo/aesm2/model.ts';
import { type Aesm2Options, aesm2Options } from '../../src/model/zoo/aesm2/options.ts';
import { masked, select } from '../../src/model/zoo/aesm2/selection.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { trainingGraph } from '../../src/train/step/graph.ts';
import { expectClose, float, run } from '../graph/support.ts';
import { AESM2_CASES } from './aesm2-cases.ts';
import { type Feeds, feedsFor, type Setup, setupOf } from './support.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const total = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0);
const shares = (logits: readonly number[]): number[] => {
  const largest = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - largest));
  return powers.map((x) => x / total(powers));
};

/** One row through the model without norms, step by step as section 4 of the method has it. */
function formulas({ options: all, sizes }: Setup, feeds: Feeds, row: number) {
  const options = all as Aesm2Options;
  /** Element of a parameter. */
  const at = (name: string, ...place: number[]): number => {
    const { shape, data } = feeds[name];
    return data[place.reduce((index, i, axis) => index * shape[axis] + i, 0)];
  };
  const rowOf = (name: string): number[] => {
    const width = feeds[name].data.length / feeds[name].shape[0];
    return [...feeds[name].data.subarray(row * width, (row + 1) * width)];
  };
  const dense = (name: string, member: number, x: readonly number[]): number[] =>
    range(feeds[`${name}.bias`].shape[1]).map(
      (o) => at(`${name}.bias`, member, o) + total(x.map((value, i) => value * at(`${name}.kernel`, member, i, o))),
    );
  const losses = { specific: 0, shared: 0 };

  type Sizes = Omit<Aesm2Options['taskLayers'], 'layers'>;
  const layer = (
    name: string,
    use: string,
    sizes: Sizes,
    gates: number,
    own: number,
    u: number[],
    indicators: number[],
  ) => {
    const { experts: E, kSpecific, kShared, expertDims } = sizes;
    const outputs = range(E).map((e) =>
      expertDims.reduce((x, _, n) => dense(`${name}.expert.${n}`, e, x).map((value) => Math.max(value, 0)), u),
    );
    const g = range(gates).map((j) => dense(`${name}.gate`, j, [...u, ...indicators])); // [G][E]
    const noise = options.noise === 0 ? range(gates * E).map(() => 0) : rowOf(`noise.${use}`);
    const n = g.map((logits, j) => logits.map((x, e) => x + feeds.noise.data[0] * noise[j * E + e]));
    const q = range(E).map((e) => shares(n.map((logits) => logits[e]))); // [E][G]
    const divergence = (p: number[], of: number[]): number => total(p.map((x, j) => x * Math.log(x / of[j])));
    const specific = q.map((of) =>
      divergence(
        range(gates).map((j) => Number(j === own) + 1e-9),
        of.map((x) => x + 1e-9),
      ),
    );
    const shared = q.map((of) =>
      divergence(
        range(gates).map(() => 1 / gates),
        of,
      ),
    );
    // Differences between equal numbers, of one gate, are rounding: there the lower index must win.
    const first = (values: number[], k: number): number[] =>
      range(E)
        .sort((a, b) => (Math.abs(values[a] - values[b]) < 1e-12 ? a - b : values[a] - values[b]))
        .slice(0, k);
    const chosen = { specific: first(specific, kSpecific), shared: first(shared, kShared) };
    losses.specific += total(chosen.specific.map((e) => specific[e])) / kSpecific;
    losses.shared += total(chosen.shared.map((e) => shared[e])) / kShared;
    const times = range(E).map((e) => Number(chosen.specific.includes(e)) + Number(chosen.shared.includes(e)));
    const mixed = options.noiseScope === 'all' ? n[own] : g[own];
    const weights =
      options.maskMode === 'select'
        ? shares(mixed.map((x, e) => (times[e] === 0 ? Number.NEGATIVE_INFINITY : x)))
        : shares(mixed.map((x, e) => x * (times[e] === 0 ? -1e9 : times[e])));
    return range(outputs[0].length).map((h) => total(outputs.map((output, e) => weights[e] * output[h])));
  };

  const scenario = feeds.scenario.data[row];
  const embeddingOf = (name: string, index: number): number[] =>
    range(feeds[name].shape[1]).map((i) => at(name, index, i));
  const tree = options.scenarioTree.length > 0 ? options.scenarioTree : [range(sizes.scenarios)];
  let u = rowOf('embedding');
  const indicators: number[] = [];
  tree.forEach((nodes, l) => {
    indicators.push(...embeddingOf(`scenarioEmbedding.${l}`, nodes[scenario]));
    const { layers, ...rest } = options.scenarioLayers[l] ?? options.scenarioLayers[0];
    for (const i of range(layers)) {
      const name = `scenario.${l}.${i}`;
      u = layer(name, name, rest, new Set(nodes).size, nodes[scenario], u, indicators);
    }
  });
  const logits = range(sizes.tasks).map((t) => {
    let own = u;
    const { layers, ...rest } = options.taskLayers;
    const z = [...indicators, ...embeddingOf('taskEmbedding', t)];
    for (const i of range(layers)) own = layer(`task.${i}`, `task.${i}.${t}`, rest, sizes.tasks, t, own, z);
    const { length } = options.towerDims;
    for (const n of range(length)) own = dense(`tower.${n}`, t, own).map((x) => Math.max(x, 0));
    return dense(`tower.${length}`, t, own)[0];
  });
  return { logits, specific: options.lambdaSpecific * losses.specific, shared: options.lambdaShared * losses.shared };
}

test('gives the logits and losses of its formulas, at any sizes', async () => {
  const property = fc.asyncProperty(AESM2_CASES.anySizes, async ({ options, sizes }) => {
    const setup = setupOf(findModel('aesm2'), { ...options, expertNorm: 'none', gateNorm: 'none' }, sizes, 'train');
    const { bytes, inputs } = inferenceGraph({ ...setup, training: true }, ({ penalties = {} }) => penalties);
    const feeds: Feeds = { noise: float([1.7]), ...feedsFor(inputs, setup, 6) };
    const session = await createSession(bytes, { threads: 1 });
    const found = await session.run(Object.fromEntries(inputs.map(({ name }) => [name, feeds[name]])));
    await session.release();
    const expected = range(6).map((row) => formulas(setup, feeds, row));
    expectClose(found.logits, { shape: [6, sizes.tasks], data: expected.flatMap(({ logits }) => logits) }, 1e-4);
    for (const measure of ['specific', 'shared'] as const)
      expectClose(found[measure], { shape: [6], data: expected.map((one) => one[measure]) }, 1e-4, measure, 1e-7);
  });
  await fc.assert(property, { numRuns: 10, seed: 3 });
});

/** Numbers of a small graph over rows of numbers. */
async function computed<N extends string>(rows: number[][], build: (x: Tensor) => Record<N, Tensor>) {
  const graph = new Graph();
  const outputs = build(graph.input('x', ['B', rows[0].length]));
  const found = await run<N>(outputs, { x: float(rows.flat(), rows.length, rows[0].length) });
  return Object.fromEntries(Object.entries<Value>(found).map(([name, { data }]) => [name, [...data]])) as Record<
    N,
    number[]
  >;
}

test('ranks put equal numbers in the order of their indices', async () => {
  const number = fc.oneof(
    fc.integer({ min: -2, max: 2 }),
    fc.integer({ min: -9e6, max: 9e6 }).map((n) => n / 1e6),
  );
  const width = fc.integer({ min: 1, max: 7 });
  const rows = width.chain((n) =>
    fc.array(fc.array(number, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 9 }),
  );
  const property = fc.asyncProperty(rows, async (values) => {
    const { rank } = await computed(values, (x) => ({ rank: transpose(ranks(transpose(x, [1, 0])), [1, 0]) }));
    const expected = values.flatMap((row) => {
      const order = range(row.length).sort((a, b) => Math.fround(row[a]) - Math.fround(row[b]) || a - b);
      return range(row.length).map((e) => order.indexOf(e));
    });
    expect(rank).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 30, seed: 5 });
});

describe('selection', () => {
  const ownFirst = (perGate: Tensor): Tensor => reshape(slice(perGate, 0, 0, 1), [perGate.shape[1], 'B']);
  /** Two gates over three experts; the row's own is the first. */
  const selected = (own: number[], other: number[], k = { kSpecific: 1, kShared: 1 }) =>
    computed([[...own, ...other]], (x) => {
      const { specific, shared, count } = select(reshape(transpose(x, [1, 0]), [2, 3, 'B']), ownFirst, k);
      return { specific: specific.divergence, shared: shared.divergence, count, loss: specific.loss };
    });

  test('by hand: q of the own gate is 3/4, 1/2 and 1/4', async () => {
    const { specific, shared, count, loss } = await selected([Math.log(3), 5, 0], [0, 5, Math.log(3)]);
    expectClose(
      { shape: [3], data: specific },
      { shape: [3], data: [Math.log(4 / 3), Math.log(2), Math.log(4)] },
      1e-6,
    );
    const apart = Math.log(2 / Math.sqrt(3)); // of the uniform distribution from (3/4, 1/4)
    expectClose({ shape: [3], data: shared }, { shape: [3], data: [apart, 0, apart] }, 1e-6);
    expect(count).toEqual([1, 1, 0]);
    expect(loss[0]).toBeCloseTo(Math.log(4 / 3), 6);
  });

  test('equal divergences go to the lower index; an expert may be chosen twice', async () => {
    const { count } = await selected([1, 1, 1], [1, 1, 1], { kSpecific: 2, kShared: 1 });
    expect(count).toEqual([2, 1, 0]);
  });

  test('logits as far apart as floats go give finite divergences', async () => {
    const { specific, shared } = await selected([-3e37, 1e38, 0], [1e38, -3e37, 0]);
    expectClose({ shape: [3], data: specific }, { shape: [3], data: [1.3e38, 0, Math.log(2)] }, 1e-6);
    for (const value of shared) expect(value).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('mask: what is not chosen gets nothing, or as published everything where its logit is negative', async () => {
    const weights = (mode: Aesm2Options['maskMode'], logits: number[]) =>
      computed([logits], (x) => ({
        w: softmax(masked(transpose(x, [1, 0]), x.graph.constant([0, 1, 2], [3, 1]), mode), 0),
      }));
    const half = 1 / (1 + Math.E);
    expectClose(
      { shape: [3], data: (await weights('select', [-3, 1, 2])).w },
      { shape: [3], data: [0, half, 1 - half] },
      1e-6,
    );
    expect((await weights('multiply', [-3, 1, 2])).w).toEqual([1, 0, 0]);
    // Chosen twice counts double: e^1 : e^(2 * 1).
    expectClose(
      { shape: [3], data: (await weights('multiply', [3, 1, 1])).w },
      { shape: [3], data: [0, half, 1 - half] },
      1e-6,
    );
  });
});

const DATA = { fields: 3, scenarios: 3, tasks: 3 };

test('experts that all tasks read are multiplied once', () => {
  const setup = setupOf(findModel('aesm2'), { taskLayers: { layers: 2 } }, DATA, 'train');
  const { graph } = buildForward(setup, true);
  const products = (name: string): number => {
    const kernel = graph.nodes.find(
      ({ op, attributes }) => op === 'input' && 'name' in attributes && attributes.name === name,
    );
    return graph.nodes.filter(({ op, inputs }) => op === 'matmul' && inputs.some((input) => input === kernel)).length;
  };
  expect(products('task.0.expert.0.kernel')).toBe(1);
  expect(products('task.1.expert.0.kernel')).toBe(3);
});

test('noise falls linearly to nothing, and scoring draws none', () => {
  const options = aesm2Options.parse({ noise: 0.4 });
  const at = (step: number) => aesm2.scalars?.(options, { step, steps: 10 }).noise;
  expect([at(0), at(5), at(10)]).toEqual([0.4, 0.2, 0]);
  const setup = setupOf(findModel('aesm2'), {}, DATA, 'train');
  expect(trainingGraph(setup)).toMatchObject({ scalars: ['noise'], noise: range(5).map(() => ({ width: 18 })) });
  expect(inferenceGraph(setup).scalars).toEqual([]);
  expect(trainingGraph(setupOf(findModel('aesm2'), { noise: 0 }, DATA, 'train')).noise).toEqual([]);
});

test('what does not fit the scenarios is said', () => {
  const problems = (options: object) => aesm2.problems?.(aesm2Options.parse(options), DATA);
  expect(problems({})).toEqual([]);
  expect(
    problems({
      scenarioTree: [
        [0, 0, 1],
        [2, 1, 0],
      ],
    }),
  ).toEqual([]);
  expect(
    problems({
      scenarioTree: [
        [0, 1],
        [0, 2, 4],
      ],
      scenarioLayers: [{}, {}, {}],
    }),
  ).toEqual([
    { path: 'model.scenarioTree.0', message: 'expected a node for each of the 3 scenarios, found 2' },
    { path: 'model.scenarioTree.1', message: 'no scenario has node 1, 3' },
    { path: 'model.scenarioLayers', message: 'expected 1 entry or 2, one a level, found 3' },
  ]);
  expect(aesm2Options.safeParse({ taskLayers: { experts: 3, kShared: 4 } }).error?.issues).toMatchObject([
    { path: ['taskLayers', 'kShared'], message: 'expected at most 3, the number of experts, found 4' },
  ]);
});
