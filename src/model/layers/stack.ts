/**
 * Networks of equal shape side by side (experts, towers): K of them are one batched product per layer, with kernels
 * [K, in, out]. A stack takes rows [B, in] that all members read, or what each member has made of them: [K, B, in].
 */
import { add, matmul, relu, reshape, type Tensor } from '../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, Initializer, ParameterSpec } from '../contract.ts';
import { batchNorm, batchNormBuffers, normParameters } from './norm.ts';

type Inputs = ForwardInputs<CommonOptions>;

/** Norm between a dense layer's product and its ReLU. */
export type Norm = 'none' | 'batch';

export interface StackSizes {
  /** Members of the stack. */
  count: number;
  inputs: number;
  dims: readonly number[];
  norm?: Norm;
}

/** x [B, in] or [K, B, in] -> [K, B, out], with the parameters `<name>.kernel` [K, in, out] and `<name>.bias` [K, out]. */
export function stackedLinear(x: Tensor, name: string, parameter: Inputs['parameter']): Tensor {
  const bias = parameter(`${name}.bias`);
  const [count, outputs] = bias.shape as number[];
  return add(matmul(x, parameter(`${name}.kernel`)), reshape(bias, [count, 1, outputs])); // [K,B,out]
}

/** Layers of product, norm, ReLU and dropout: x [B, in] or [K, B, in] -> [K, B, dims.at(-1)]. Layer i is `<name>.<i>`. */
export function stackedMlp(
  x: Tensor,
  name: string,
  dims: readonly number[],
  inputs: Inputs,
  norm: Norm = 'none',
): Tensor {
  return dims.reduce((hidden, _, i) => {
    const layer = `${name}.${i}`;
    const product = stackedLinear(hidden, layer, inputs.parameter); // [K,B,dims[i]]
    const normed = norm === 'batch' ? batchNorm(product, `${layer}.norm`, inputs) : product;
    return inputs.dropout(relu(normed), layer);
  }, x);
}

/** Both drawn from U(-1/sqrt(in), 1/sqrt(in)), the default of PyTorch's Linear, member by member. */
export function stackedLinearParameters(name: string, count: number, inputs: number, outputs: number): ParameterSpec[] {
  const initializer: Initializer = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) };
  return [
    { name: `${name}.kernel`, shape: [count, inputs, outputs], initializer, group: 'weight' },
    { name: `${name}.bias`, shape: [count, outputs], initializer, group: 'weight' },
  ];
}

export const stackedMlpParameters = (name: string, { count, inputs, dims, norm }: StackSizes): ParameterSpec[] =>
  dims.flatMap((outputs, i) => [
    ...stackedLinearParameters(`${name}.${i}`, count, i === 0 ? inputs : dims[i - 1], outputs),
    ...(norm === 'batch' ? normParameters(`${name}.${i}.norm`, [count, outputs]) : []),
  ]);

export const stackedMlpBuffers = (name: string, { count, dims, norm }: StackSizes): BufferSpec[] =>
  norm === 'batch' ? dims.flatMap((outputs, i) => batchNormBuffers(`${name}.${i}.norm`, [count, outputs])) : [];
