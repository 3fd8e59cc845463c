/** Dense blocks: product, norm, ReLU and dropout, one after another. */
import { relu, type Tensor } from '../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, ParameterSpec } from '../contract.ts';
import { linear, linearParameters } from './linear.ts';
import { batchNorm, batchNormBuffers, normParameters } from './norm.ts';
import type { Norm } from './stack.ts';

/** Blocks of `dims`: x [.., B, in] -> [.., B, dims.at(-1)]. Block i is `<name>.<i>`; where it has a norm, x is [B, in] or [1, B, in]. */
export function denseBlocks(
  x: Tensor,
  name: string,
  dims: readonly number[],
  inputs: ForwardInputs<CommonOptions>,
  norm: Norm,
): Tensor {
  return dims.reduce((hidden, _, i) => {
    const layer = `${name}.${i}`;
    const product = linear(hidden, layer, inputs.parameter); // [..,B,dims[i]]
    const normed = norm === 'batch' ? batchNorm(product, `${layer}.norm`, inputs) : product;
    return inputs.dropout(relu(normed), layer);
  }, x);
}

export interface DenseSizes {
  inputs: number;
  dims: readonly number[];
  norm: Norm;
}

export const denseParameters = (name: string, { inputs, dims, norm }: DenseSizes): ParameterSpec[] =>
  dims.flatMap((outputs, i) => [
    ...linearParameters(`${name}.${i}`, i === 0 ? inputs : dims[i - 1], outputs),
    ...(norm === 'batch' ? normParameters(`${name}.${i}.norm`, [outputs]) : []),
  ]);

/** Moving averages of the norms. */
export const denseBuffers = (name: string, { dims, norm }: Pick<DenseSizes, 'dims' | 'norm'>): BufferSpec[] =>
  norm === 'batch' ? dims.flatMap((outputs, i) => batchNormBuffers(`${name}.${i}.norm`, [outputs])) : [];
