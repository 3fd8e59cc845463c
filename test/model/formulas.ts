/** What the formulas of models are written in where tests hold a model against them, row by row in plain loops. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { findModel } from '../../src/model/registry.ts';
import { createSession } from '../../src/runtime/session.ts';
import { expectClose } from '../graph/support.ts';
import type { ModelCases } from './contract.ts';
import { type Feeds, feedsFor, type Setup, setupOf, sum } from './support.ts';

/** One row, and the parameters by name. */
export interface Row {
  setup: Setup;
  x: number[];
  /** 0 where the model does not read it. */
  scenario: number;
  /** Element of a parameter or buffer. */
  at: (name: string, ...place: number[]) => number;
  /** Row `index` of a parameter [n, width]. */
  vector: (name: string, index: number) => number[];
  /** Dense layer with kernel [in, out], or `member` of a stack of them. */
  dense: (name: string, x: readonly number[], member?: number) => number[];
  /** Dense layer, the moving averages of its norm where it has one, ReLU. */
  block: (name: string, x: readonly number[], member?: number) => number[];
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
  const block = (name: string, x: readonly number[], member?: number): number[] => {
    const product = dense(name, x, member);
    if (feeds[`${name}.norm.scale`] === undefined) return relu(product);
    const own = member === undefined ? [] : [member];
    const of = (part: string, i: number): number => at(part, ...own, i);
    const normed = product.map((value, i) => {
      const deviation = Math.sqrt(of(`buffer.${name}.norm.variance`, i) + 1e-5);
      const standard = (value - of(`buffer.${name}.norm.mean`, i)) / deviation;
      return standard * of(`${name}.norm.scale`, i) + of(`${name}.norm.shift`, i);
    });
    return relu(normed);
  };
  return { setup, x: vector('embedding', row), scenario: feeds.scenario?.data[row] ?? 0, at, vector, dense, block };
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const relu = (x: readonly number[]): number[] => x.map((value) => Math.max(value, 0));
export const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value + b[i]);
export const times = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value * b[i]);

/** The head of a task: task-major pairs with scenarios, or the task itself. */
export const headOf = ({ setup, scenario }: Row, heads: 'product' | 'shared', task: number): number =>
  heads === 'product' ? task * setup.sizes.scenarios + scenario : task;

/** A tower's layers, then its answer. */
export function tower({ dense, block }: Row, dims: readonly number[], member: number, x: number[]): number {
  const hidden = range(dims.length).reduce((before, i) => block(`tower.${i}`, before, member), x);
  return dense(`tower.${dims.length}`, hidden, member)[0];
}

/** A model, its logits of a row by its formulas, and its cases. */
export type ModelFormulas = [key: string, formulas: (row: Row) => number[], cases: Pick<ModelCases, 'anySizes'>];

/** Tests that models give the logits of their formulas. */
export function holdsFormulas(models: ModelFormulas[]): void {
  test.each(models)('%s gives the logits of its formulas, at any sizes', async (key, formulas, { anySizes }) => {
    const property = fc.asyncProperty(anySizes, ({ options, sizes }) =>
      expectFormulas(setupOf(findModel(key), options, sizes, 'train'), formulas),
    );
    await fc.assert(property, { numRuns: 12, seed: 8 });
  });
}

export async function expectFormulas(setup: Setup, formulas: (row: Row) => number[]): Promise<void> {
  const { bytes, inputs } = inferenceGraph(setup);
  const feeds = feedsFor(inputs, setup, 6);
  const session = await createSession(bytes, { threads: 1 });
  const { logits } = await session.run(feeds);
  await session.release();
  const expected = range(6).flatMap((row) => formulas(rowOf(setup, feeds, row)));
  expect(expected.every(Number.isFinite)).toBe(true);
  expectClose(logits, { shape: [6, setup.sizes.tasks], data: expected }, 1e-4, 'logits', 1e-6);
}
