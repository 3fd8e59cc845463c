/**
 * Networks of equal shape side by side (experts, towers): K of them are one batched product per layer, with kernels
 * [K, in, out]. A stack takes rows [B, in] that all members read, what each member has made of them: [K, B, in], or rows
 * that a group of members reads: [G, B, in].
 */
import { add, matmul, relu, reshape, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { byInputs, chain, layer, parameter, widthsOf } from './layer.ts';
import type { Linear, LinearSizes, MlpSizes } from './linear.ts';
import { type Norm, normalization } from './norms/norm.ts';

/** Members of the stack. */
interface Stack {
  count: number;
}

export type StackSizes = MlpSizes & Stack;

/**
 * x -> [K, B, out], with the parameters `<name>.kernel` [K, in, out] and `<name>.bias` [K, out]. x is [B, in], which all members
 * read; [K, B, in], one for each; or [G, B, in], of which the first K/G members read the first, the next the second, and so on.
 * Where every member reads every group, x is [G, 1, B, in] and the result [G, K, B, out].
 */
export function stackedLinear(name: string, sizes: LinearSizes & Stack): Linear {
  const { count, inputs, outputs, start = byInputs(inputs), group } = sizes;
  const kernel = parameter(`${name}.kernel`, [count, inputs, outputs], start.kernel, group);
  const bias = parameter(`${name}.bias`, [count, outputs], start.bias, group);
  const call = layer([kernel, bias], (x, step) => {
    const [kernels, biases] = [kernel(step), bias(step)];
    return add(product(x, kernels, sizes), reshape(biases, [count, 1, outputs])); // [K,B,out]
  });
  return Object.assign(call, { kernel, bias });
}

/** Rows that every member of a stack reads, in the form that `stackedLinear` takes: [B, in], or [G, B, in] as [G, 1, B, in]. */
export function forEachMember(x: Tensor): Tensor {
  if (x.shape.length === 2) return x;
  const [groups, , inputs] = x.shape as number[];
  return reshape(x, [groups, 1, 'B', inputs]);
}

function product(x: Tensor, kernel: Tensor, { count, inputs, outputs }: LinearSizes & Stack): Tensor {
  const groups = x.shape[0] as number;
  if (x.shape.length !== 3 || groups === 1 || groups >= count) return matmul(x, kernel); // [K,B,out]
  const members = reshape(kernel, [groups, count / groups, inputs, outputs]);
  return reshape(matmul(reshape(x, [groups, 1, 'B', inputs]), members), [count, 'B', outputs]); // [K,B,out]
}

/** Blocks of `dims`: x as in `stackedLinear` -> [K, B, dims.at(-1)]. Block i is `<name>.<i>`. */
export const stackedMlp = (name: string, sizes: StackSizes): Layer => chain(stackedBlocks(name, sizes));

/** The blocks of a `stackedMlp`, for models with something between them. */
export const stackedBlocks = (name: string, { count, inputs, dims, norm }: StackSizes): Layer[] =>
  widthsOf(inputs, dims).map((widths, i) => stackedBlock(`${name}.${i}`, { ...widths, count, norm }));

/** Product, norm, ReLU and dropout: x as in `stackedLinear` -> [K, B, out]. */
function stackedBlock(name: string, { norm = 'none', ...sizes }: LinearSizes & Stack & { norm?: Norm }): Layer {
  const dense = stackedLinear(name, sizes);
  const normed = normalization(`${name}.norm`, norm, [sizes.count, sizes.outputs]);
  return layer([dense, normed], (x, step) => step.dropout(relu(normed(dense(x, step), step)), name)); // [K,B,out]
}
