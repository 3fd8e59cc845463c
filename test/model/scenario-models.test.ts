/** STAR, PEPNet and M2M against their formulas, row by row in plain loops: what the published numbers' sizes and options leave out. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { M2mOptions } from '../../src/model/m2m.ts';
import type { PepnetOptions } from '../../src/model/pepnet.ts';
import { findModel } from '../../src/model/registry.ts';
import type { StarOptions } from '../../src/model/star.ts';
import { createSession } from '../../src/runtime/session.ts';
import { inferenceGraph } from '../../src/train/graphs.ts';
import { expectClose } from '../graph/support.ts';
import type { ModelCases } from './contract.ts';
import { M2M_CASES } from './m2m-cases.ts';
import { PEPNET_CASES } from './pepnet-cases.ts';
import { STAR_CASES } from './star-cases.ts';
import { type Feeds, feedsFor, type Setup, setupOf, sum } from './support.ts';

/** One row, and the parameters by name. */
interface Row {
  setup: Setup;
  x: number[];
  scenario: number;
  /** Element of a parameter or buffer. */
  at: (name: string, ...place: number[]) => number;
  /** Row `index` of a parameter [n, width]. */
  vector: (name: string, index: number) => number[];
  /** Dense layer with kernel [in, out], or `member` of a stack of them. */
  dense: (name: string, x: readonly number[], member?: number) => number[];
}

function rowOf(setup: Setup, feeds: Feeds, row: number): Row {
  const at = (name: string, ...place: number[]): number => {
    const { shape, data } = feeds[name];
    return data[place.reduce((index, i, axis) => index * shape[axis] + i, 0)];
  };
  const vector = (name: string, index: number): number[] => range(feeds[name].shape[1]).map((i) => at(name, index, i));
  const dense = (name: string, x: readonly number[], member?: number): number[] => {
    const own = member === undefined ? [] : [member];
    return range(feeds[`${name}.bias`].shape.at(-1) ?? 0).map((out) => {
      const products = x.map((value, i) => value * at(`${name}.kernel`, ...own, i, out));
      return at(`${name}.bias`, ...own, out) + sum(products);
    });
  };
  return { setup, x: vector('embedding', row), scenario: feeds.scenario.data[row], at, vector, dense };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const relu = (x: readonly number[]): number[] => x.map((value) => Math.max(value, 0));
const leaky = (x: readonly number[]): number[] => x.map((value) => (value > 0 ? value : 0.1 * value));
const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value + b[i]);
const times = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value * b[i]);

/** The head of a task: task-major pairs with scenarios, or the task itself. */
const headOf = ({ setup, scenario }: Row, heads: 'product' | 'shared', task: number): number =>
  heads === 'product' ? task * setup.sizes.scenarios + scenario : task;

/** A tower's layers, then its answer. */
function tower({ dense }: Row, dims: readonly number[], member: number, x: number[]): number {
  const hidden = range(dims.length).reduce((before, i) => relu(dense(`tower.${i}`, before, member)), x);
  return dense(`tower.${dims.length}`, hidden, member)[0];
}

function star(row: Row): number[] {
  const { setup, x, scenario, at, vector, dense } = row;
  const { starDims, sideDims, heads } = setup.options as StarOptions;
  const normed = x.map((value, i) => {
    const standard =
      (value - at('buffer.norm.mean', scenario, i)) / Math.sqrt(at('buffer.norm.variance', scenario, i) + 1e-5);
    const shift = at('norm.shift', i) + at('norm.scenario.shift', scenario, i);
    return standard * at('norm.scale', i) * at('norm.scenario.scale', scenario, i) + shift;
  });
  const side = range(sideDims.length).reduce(
    (hidden, i) => relu(dense(`side.${i}`, hidden)),
    [...vector('scenario.embedding', scenario), ...x],
  );
  const sideLogits = dense(`side.${sideDims.length}`, side);
  return range(setup.sizes.tasks).map((task) => {
    const head = headOf(row, heads, task);
    const answer = [...starDims, 1].reduce((hidden, outputs, i) => {
      const next = range(outputs).map((out) => {
        const bias = at(`star.${i}.bias`, out) + at(`star.${i}.own.bias`, head, out);
        const kernel = (j: number) => at(`star.${i}.kernel`, j, out) * at(`star.${i}.own.kernel`, head, j, out);
        return bias + sum(hidden.map((value, j) => value * kernel(j)));
      });
      return i < starDims.length ? relu(next) : next;
    }, normed);
    return answer[0] + sideLogits[task];
  });
}

function pepnet(row: Row): number[] {
  const { setup, x, scenario, vector, dense } = row;
  const { inputFields, priorFields, embeddingDim, taskDims, towerDims, heads } = setup.options as PepnetOptions;
  const { tasks, fieldNames = [] } = setup.sizes;
  const named = (names: readonly string[]): number[] =>
    x.filter((_, i) => names.length === 0 || names.includes(fieldNames[Math.floor(i / embeddingDim)]));
  const factors = (name: string, v: readonly number[], member?: number): number[] =>
    dense(`${name}.1`, relu(dense(`${name}.0`, v, member)), member).map((u) => 2 / (1 + Math.exp(-u)));
  const input = named(inputFields);
  const o = times(factors('input.gate', [...vector('scenario.embedding', scenario), ...input]), input);
  const q = [...named(priorFields), ...o];
  return range(tasks).map((task) => {
    const last = range(taskDims.length).reduce(
      (hidden, i) => times(relu(dense(`task.${i}`, hidden, task)), factors(`task.${i}.gate`, q, task)),
      o,
    );
    return tower(row, towerDims, headOf(row, heads, task), last);
  });
}

function m2m(row: Row): number[] {
  const { setup, x, scenario, vector, dense } = row;
  const options = setup.options as M2mOptions;
  const s = leaky(dense('scenario.vector', vector('scenario.embedding', scenario)));
  /** A meta unit: `depth` layers made out of s. */
  const meta = (name: string, depth: number, h: number[], activateLast = true): number[] =>
    range(depth).reduce((hidden, i) => {
      const [kernel, bias] = [dense(`${name}.${i}.kernels`, s), dense(`${name}.${i}.biases`, s)];
      const next = bias.map((b, out) => b + sum(hidden.map((value, j) => value * kernel[j * bias.length + out])));
      return activateLast || i < depth - 1 ? leaky(next) : next;
    }, h);
  const experts = range(options.experts).map((k) => leaky(dense('expert', x, k)));
  return range(setup.sizes.tasks).map((task) => {
    const tau = leaky(dense('task.vector', vector('task.embedding', task)));
    const powers = experts.map((expert) => {
      const attended = meta('attention', options.attentionDepth, [...expert, ...tau]);
      return Math.exp(sum(times(attended, vector('attention.vector', task))));
    });
    const mixed = range(options.width).map((i) =>
      sum(experts.map((expert, k) => (powers[k] / sum(powers)) * expert[i])),
    );
    const last = range(options.towerLayers).reduce(
      (h, j) => leaky(plus(meta(`meta.${j}`, options.towerDepth, h, options.towerInnerActivation), h)),
      mixed,
    );
    return tower(row, options.towerDims, headOf(row, options.heads, task), last);
  });
}

const MODELS: [string, (row: Row) => number[], ModelCases][] = [
  ['star', star, STAR_CASES],
  ['pepnet', pepnet, PEPNET_CASES],
  ['m2m', m2m, M2M_CASES],
];

test.each(MODELS)('%s gives the logits of its formulas, at any sizes', async (key, formulas, { anySizes }) => {
  const property = fc.asyncProperty(anySizes, async ({ options, sizes }) => {
    const setup = setupOf(findModel(key), options, sizes, 'train');
    const { bytes, inputs } = inferenceGraph(setup);
    const feeds = feedsFor(inputs, setup, 6);
    const session = await createSession(bytes, { threads: 1 });
    const { logits } = await session.run(feeds);
    await session.release();
    const expected = range(6).flatMap((row) => formulas(rowOf(setup, feeds, row)));
    expect(expected.every(Number.isFinite)).toBe(true);
    expectClose(logits, { shape: [6, sizes.tasks], data: expected }, 1e-4, 'logits', 1e-6);
  });
  await fc.assert(property, { numRuns: 12, seed: 8 });
});
