/**
 * Networks of equal shape side by side (experts, towers): K of them are one batched product per layer, with kernels
 * [K, in, out]. A stack takes rows [B, in] that all members read, what each member has made of them: [K, B, in], or rows
 * that a group of members reads: [G, B, in].
 */
import { add, matmul, relu, reshape, type Tensor } from '../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, Initializer, ParameterSpec } from '../contract.ts';
import { type Norm, normalized, normalizedBuffers, normalizedParameters } from './norms/norm.ts';

type Inputs = ForwardInputs<CommonOptions>;

export interface StackSizes {
  /** Members of the stack. */
  count: number;
  inputs: number;
  dims: readonly number[];
  norm?: Norm;
}

/**
 * x -> [K, B, out], with the parameters `<name>.kernel` [K, in, out] and `<name>.bias` [K, out]. x is [B, in], which all members
 * read; [K, B, in], one for each; or [G, B, in], of which the first K/G members read the first, the next the second, and so on.
 * Where every member reads every group, x is [G, 1, B, in] and the result [G, K, B, out].
 */
export function stackedLinear(x: Tensor, name: string, parameter: Inputs['parameter']): Tensor {
  const [kernel, bias] = [parameter(`${name}.kernel`), parameter(`${name}.bias`)];
  const [count, inputs, outputs] = kernel.shape as number[];
  return add(product(x, kernel, { count, inputs, outputs }), reshape(bias, [count, 1, outputs])); // [K,B,out]
}

/** Rows that every member of a stack reads, in the form that `stackedLinear` takes: [B, in], or [G, B, in] as [G, 1, B, in]. */
export function forEachMember(x: Tensor): Tensor {
  if (x.shape.length === 2) return x;
  const [groups, , inputs] = x.shape as number[];
  return reshape(x, [groups, 1, 'B', inputs]);
}

function product(x: Tensor, kernel: Tensor, { count, inputs, outputs }: Record<string, number>): Tensor {
  const groups = x.shape[0] as number;
  if (x.shape.length !== 3 || groups === 1 || groups >= count) return matmul(x, kernel);
  const members = reshape(kernel, [groups, count / groups, inputs, outputs]);
  return reshape(matmul(reshape(x, [groups, 1, 'B', inputs]), members), [count, 'B', outputs]); // [K,B,out]
}

/** Layers of product, norm, ReLU and dropout: x as in `stackedLinear` -> [K, B, dims.at(-1)]. Layer i is `<name>.<i>`. */
export function stackedMlp(
  x: Tensor,
  name: string,
  dims: readonly number[],
  inputs: Inputs,
  norm: Norm = 'none',
): Tensor {
  return dims.reduce((hidden, _, i) => stackedLayer(hidden, `${name}.${i}`, inputs, norm), x);
}

/** One layer of a `stackedMlp`: x as in `stackedLinear` -> [K, B, out]. */
export function stackedLayer(x: Tensor, name: string, inputs: Inputs, norm: Norm): Tensor {
  const product = stackedLinear(x, name, inputs.parameter); // [K,B,out]
  return inputs.dropout(relu(normalized(product, `${name}.norm`, norm, inputs)), name);
}

/** Both drawn from U(-1/sqrt(in), 1/sqrt(in)), the default of PyTorch's Linear, member by member. */
export function stackedLinearParameters(name: string, count: number, inputs: number, outputs: number): ParameterSpec[] {
  const initializer: Initializer = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) };
  return [
    { name: `${name}.kernel`, shape: [count, inputs, outputs], initializer, group: 'weight' },
    { name: `${name}.bias`, shape: [count, outputs], initializer, group: 'weight' },
  ];
}

export const stackedMlpParameters = (
  name: string,
  { count, inputs, dims, norm = 'none' }: StackSizes,
): ParameterSpec[] =>
  dims.flatMap((outputs, i) => [
    ...stackedLinearParameters(`${name}.${i}`, count, i === 0 ? inputs : dims[i - 1], outputs),
    ...normalizedParameters(`${name}.${i}.norm`, norm, [count, outputs]),
  ]);

export const stackedMlpBuffers = (name: string, { count, dims, norm = 'none' }: StackSizes): BufferSpec[] =>
  dims.flatMap((outputs, i) => normalizedBuffers(`${name}.${i}.norm`, norm, [count, outputs]));
