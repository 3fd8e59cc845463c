/**
 * Heads: where a model answers. `product`: each (task, scenario) pair is a task of its own, head t*S + s; all heads are
 * computed for all rows, then each row keeps those of its scenario. `shared`: one head per task for all scenarios.
 */
import { cast, equal, mul, reduceSum, reshape, slice, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardOutputs, Layer, ModelSizes, Step, Top } from '../contract.ts';
import { last, layer, times } from './layer.ts';
import { linear, mlp, type StackSizes } from './linear.ts';
import type { Norm } from './norms/norm.ts';

export type Heads = 'product' | 'shared';

export const headCount = (heads: Heads, { scenarios, tasks }: ModelSizes): number =>
  heads === 'product' ? tasks * scenarios : tasks;

/** A tower per head: blocks of `dims`, then one number. x [B, in], or as in `linear` -> [B, H]. */
export function towers(name: string, { count, inputs, dims, norm }: StackSizes): Layer {
  const blocks = mlp(name, { count, inputs, dims, norm });
  const answer = linear(`${name}.${dims.length}`, { count, inputs: last([inputs, ...dims]), outputs: 1 });
  return layer([blocks, answer], (x, step) => {
    const hidden = blocks(x, step); // [H,B,dims.at(-1)]
    const answers = answer(hidden, step); // [H,B,1]
    return transpose(reshape(answers, [count, 'B']), [1, 0]); // [B,H]
  });
}

/** The answers of each row's own heads: [B, H] -> logits [B, T]. */
export function ownHeads(answers: Tensor, heads: Heads, { scenarios, tasks }: ModelSizes, { scenario }: Step): Tensor {
  if (heads === 'shared') return answers;
  const owner = answers.graph.constant(
    times(tasks * scenarios, (head) => head % scenarios),
    [1, tasks * scenarios],
    'int32',
  );
  const own = cast(equal(reshape(scenario, ['B', 1]), owner), 'float32'); // [B,T*S]
  return reduceSum(reshape(mul(answers, own), ['B', tasks, scenarios]), [2]); // [B,T]
}

/** What the gates of each row's own heads give to K experts: weights [H, B, K] -> by expert [B, T]. `names`: [K], by default numbers. */
export function ownShares(
  weights: Tensor,
  heads: Heads,
  sizes: ModelSizes,
  step: Step,
  names?: readonly string[],
): Record<string, Tensor> {
  const [count, , experts] = weights.shape as [number, 'B', number];
  const ofExpert = (k: number): Tensor => transpose(reshape(slice(weights, 2, k, k + 1), [count, 'B']), [1, 0]); // [B,H]
  return Object.fromEntries(
    times(experts, (k) => [names?.[k] ?? `expert ${k + 1}`, ownHeads(ofExpert(k), heads, sizes, step)] as const),
  );
}

/**
 * The networks `bottom`, one for all heads or, with `count`, one for each, then a tower for each head: x as in `linear` -> logits
 * [B, T]; `answers` [B, H] are those of all heads.
 */
export function bottomAndTowers(
  { bottomDims, towerDims, heads, norm }: BottomOptions,
  inputs: number,
  sizes: ModelSizes,
  count?: number,
): Top {
  const bottom = mlp('bottom', { count, inputs, dims: bottomDims, norm });
  const tower = headTowers('tower', heads, sizes, { inputs: last(bottomDims), dims: towerDims, norm });
  return layer([bottom, tower], (x, step) => tower(bottom(x, step), step)); // [B,T]
}

interface BottomOptions {
  bottomDims: readonly number[];
  towerDims: readonly number[];
  heads: Heads;
  norm: Norm;
}

/** A tower for each head: x as in `towers` -> logits [B, T]; `answers` [B, H] are those of all heads. */
export function headTowers(
  name: string,
  heads: Heads,
  sizes: ModelSizes,
  towerSizes: Omit<StackSizes, 'count'>,
): Layer<[x: Tensor], ForwardOutputs> {
  const tower = towers(name, { count: headCount(heads, sizes), ...towerSizes });
  return layer([tower], (x: Tensor, step) => {
    const answers = tower(x, step); // [B,H]
    return { logits: ownHeads(answers, heads, sizes, step), diagnostics: { answers } };
  });
}
