/**
 * Heads: where a model answers. `product`: each (task, scenario) pair is a task of its own, head t*S + s; all heads are
 * computed for all rows, then each row keeps those of its scenario. `shared`: one head per task for all scenarios.
 */
import { cast, equal, matmul, mul, reduceSum, reshape, softmax, type Tensor, transpose } from '../../graph/index.ts';
import type { CommonOptions, ForwardInputs, ModelSizes } from '../contract.ts';
import { type Norm, stackedLinear, stackedLinearParameters, stackedMlp, stackedMlpParameters } from './stack.ts';

type Inputs = ForwardInputs<CommonOptions>;

export type Heads = 'product' | 'shared';

export const headCount = (heads: Heads, { scenarios, tasks }: ModelSizes): number =>
  heads === 'product' ? tasks * scenarios : tasks;

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

/** Each of H gates mixes the K experts of a row: gate logits [H, B, K], experts [K, B, n] -> [H, B, n]. */
export function mixture(gateLogits: Tensor, experts: Tensor): Tensor {
  const weights = transpose(softmax(gateLogits), [1, 0, 2]); // [B,H,K]
  return transpose(matmul(weights, transpose(experts, [1, 0, 2])), [1, 0, 2]); // [H,B,n]
}
