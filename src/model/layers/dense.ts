/** Dense blocks: product, norm, ReLU and dropout, one after another. */
import { relu, type Tensor } from '../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, ParameterSpec } from '../contract.ts';
import { linear, linearParameters } from './linear.ts';
import { type Norm, normalized, normalizedBuffers, normalizedParameters } from './norms/norm.ts';

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
    return inputs.dropout(relu(normalized(product, `${layer}.norm`, norm, inputs)), layer);
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
    ...normalizedParameters(`${name}.${i}.norm`, norm, [outputs]),
  ]);

/** Moving averages of the norms. */
export const denseBuffers = (name: string, { dims, norm }: Pick<DenseSizes, 'dims' | 'norm'>): BufferSpec[] =>
  dims.flatMap((outputs, i) => normalizedBuffers(`${name}.${i}.norm`, norm, [outputs]));
