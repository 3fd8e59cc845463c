/**
 * Heads: where a model answers. `product`: each (task, scenario) pair is a task of its own, head t*S + s; all heads are
 * computed for all rows, then each row keeps those of its scenario. `shared`: one head per task for all scenarios.
 */
import { cast, equal, matmul, mul, reduceSum, reshape, softmax, type Tensor, transpose } from '../../graph/index.ts';
import type { CommonOptions, ForwardInputs, ModelSizes, TaskTop } from '../contract.ts';
import type { Norm } from './norms/norm.ts';
import { stackedLinear, stackedLinearParameters, stackedMlp, stackedMlpParameters } from './stack.ts';

type Inputs = ForwardInputs<CommonOptions>;

export type Heads = 'product' | 'shared';

export const headCount = (heads: Heads, { scenarios, tasks }: ModelSizes): number =>
  heads === 'product' ? tasks * scenarios : tasks;

/** Sizes of models that have a network per head: a bottom that reads `inputs` numbers per row, then a tower. */
export function networkPerHead(
  { bottomDims, towerDims, heads, norm }: NetworkPerHead,
  inputs: number,
  sizes: ModelSizes,
) {
  const count = headCount(heads, sizes);
  return {
    bottom: { count, inputs, dims: bottomDims, norm },
    tower: { count, inputs: bottomDims.at(-1) as number, dims: towerDims, norm },
  };
}

interface NetworkPerHead {
  bottomDims: readonly number[];
  towerDims: readonly number[];
  heads: Heads;
  norm: Norm;
}

/** A tower per head: layers of `dims`, then one number. x [B, in] or [H, B, in] -> [B, H]. */
export function towers(x: Tensor, name: string, dims: readonly number[], inputs: Inputs, norm: Norm = 'none'): Tensor {
  const hidden = stackedMlp(x, name, dims, inputs, norm); // [H,B,dims.at(-1)]
  const answers = stackedLinear(hidden, `${name}.${dims.length}`, inputs.parameter); // [H,B,1]
  return transpose(reshape(answers, [answers.shape[0], 'B']), [1, 0]); // [B,H]
}

export const towerParameters = (
  name: string,
  sizes: { count: number; inputs: number; dims: readonly number[]; norm?: Norm },
) => [
  ...stackedMlpParameters(name, sizes),
  ...stackedLinearParameters(`${name}.${sizes.dims.length}`, sizes.count, sizes.dims.at(-1) ?? sizes.inputs, 1),
];

/** The answers of each row's own heads: [B, H] -> logits [B, T]. */
export function ownHeads(answers: Tensor, heads: Heads, { scenario, sizes }: Inputs): Tensor {
  if (heads === 'shared') return answers;
  const { tasks, scenarios } = sizes;
  const owner = answers.graph.constant(
    Array.from({ length: tasks * scenarios }, (_, head) => head % scenarios),
    [1, tasks * scenarios],
    'int32',
  );
  const own = cast(equal(reshape(scenario, ['B', 1]), owner), 'float32'); // [B,T*S]
  return reduceSum(reshape(mul(answers, own), ['B', tasks, scenarios]), [2]); // [B,T]
}

/** For models whose heads answer side by side: `answersOf` makes of x [B, in] or [T, B, in] the answers of all heads [B, H]. */
export const headsAsTaskTop = <O extends CommonOptions & { heads: Heads }>(
  parameters: TaskTop<O>['parameters'],
  answersOf: (x: Tensor, inputs: ForwardInputs<O>) => Tensor,
): TaskTop<O> => ({
  parameters,
  logits: (bottoms, inputs) => ownHeads(answersOf(bottoms, inputs), inputs.options.heads, inputs),
});

/** Each of H gates mixes the K experts that it reads: gate logits [H, B, K], experts as in `weightedSum` -> [H, B, n]. */
export const mixture = (gateLogits: Tensor, experts: Tensor): Tensor => weightedSum(softmax(gateLogits), experts);

/**
 * Sums of experts, row by row: weights [H, B, K] and experts [K, B, n] -> [H, B, n]. Experts [G, K, B, n] lie in groups: of H
 * sums, the first H/G are of group 0, the next of group 1, and so on.
 */
export function weightedSum(weights: Tensor, experts: Tensor): Tensor {
  const grouped = experts.shape.length === 4;
  const [count, sums, width] = [experts.shape.at(-3), weights.shape[0], experts.shape.at(-1)] as number[];
  const groups = grouped ? (experts.shape[0] as number) : 1;
  if (sums === groups) {
    // One sum of each expert: no row needs its experts side by side.
    const beside = reshape(transpose(weights, [0, 2, 1]), [groups, count, 'B', 1]); // [G,K,B,1]
    return reduceSum(mul(reshape(experts, [groups, count, 'B', width]), beside), [1]); // [G,B,n]
  }
  if (!grouped) {
    const perRow = matmul(transpose(weights, [1, 0, 2]), transpose(experts, [1, 0, 2])); // [B,H,n]
    return transpose(perRow, [1, 0, 2]);
  }
  const rows = transpose(reshape(weights, [groups, sums / groups, 'B', count]), [2, 0, 1, 3]); // [B,G,H/G,K]
  const perRow = matmul(rows, transpose(experts, [2, 0, 1, 3])); // [B,G,H/G,n]
  return reshape(transpose(perRow, [1, 2, 0, 3]), [sums, 'B', width]);
}
