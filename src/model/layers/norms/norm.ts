/** Normalisations: over the batch, or over the numbers of a row. */
import {
  add,
  div,
  maximum,
  mul,
  reciprocal,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
} from '../../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, ParameterSpec } from '../../contract.ts';

/** Norm between a dense layer's product and its ReLU. */
export type Norm = 'none' | 'batch' | 'layer';

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
  /** Share of a batch in the moving averages. Default 0.1. */
  momentum?: number;
}

/**
 * Batch norm of x [B, n], or of a stack [K, B, n] in which each member has its own: (x - mean) / sqrt(variance + epsilon) *
 * scale + shift. In training mean and variance are those of the batch, the variance biased, and the moving averages take
 * up a share of them, the variance unbiased; in scoring they are the moving averages (Ioffe and Szegedy 2015).
 */
export function batchNorm(
  x: Tensor,
  name: string,
  { training, rows, parameter, buffer, setBuffer }: ForwardInputs<CommonOptions>,
  { epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions = {},
): Tensor {
  const axis = x.shape.length - 2;
  const row = x.shape.map((size, i) => (i === axis ? 1 : size));
  const [scale, shift] = ['scale', 'shift'].map((part) => reshape(parameter(`${name}.${part}`), row)); // [..,1,n]
  const [movingMean, movingVariance] = ['mean', 'variance'].map((part) => buffer(`${name}.${part}`)); // [..,n]
  if (!training) {
    const factor = mul(scale, reciprocal(sqrt(add(reshape(movingVariance, row), epsilon)))); // [..,1,n]
    return add(mul(x, factor), sub(shift, mul(reshape(movingMean, row), factor)));
  }
  const mean = div(reduceSum(x, [axis], true), rows()); // [..,1,n]
  const centred = sub(x, mean); // [..,B,n]
  const variance = div(reduceSum(mul(centred, centred), [axis], true), rows()); // [..,1,n]
  const unbiased = mul(variance, div(rows(), maximum(sub(rows(), 1), 1))); // [..,1,n]
  const moved = (before: Tensor, batch: Tensor): Tensor =>
    add(mul(before, 1 - momentum), mul(reshape(batch, before.shape), momentum));
  setBuffer(`${name}.mean`, moved(movingMean, mean));
  setBuffer(`${name}.variance`, moved(movingVariance, unbiased));
  return add(mul(centred, mul(scale, reciprocal(sqrt(add(variance, epsilon))))), shift); // [..,B,n]
}

/** Scale and shift of the given shape: [n], or [K, n] for a stack. */
export const normParameters = (name: string, shape: readonly number[]): ParameterSpec[] => [
  { name: `${name}.scale`, shape, initializer: { kind: 'ones' }, group: 'weight' },
  { name: `${name}.shift`, shape, initializer: { kind: 'zeros' }, group: 'weight' },
];

/** Moving mean and variance of a batch norm. */
export const batchNormBuffers = (name: string, shape: readonly number[]): BufferSpec[] => [
  { name: `${name}.mean`, shape, initial: 0 },
  { name: `${name}.variance`, shape, initial: 1 },
];

/** Layer norm over the last axis of x, with the biased variance: (x - mean) / sqrt(variance + 1e-5), before scale and shift. */
export function standardized(x: Tensor): Tensor {
  const last = [x.shape.length - 1];
  const centred = sub(x, reduceMean(x, last, true));
  const variance = reduceMean(mul(centred, centred), last, true);
  return mul(centred, reciprocal(sqrt(add(variance, 1e-5))));
}

/** Layer norm (Ba et al. 2016) with a scale and a shift [n], or [K, n] for a stack [K, B, n]. */
function layerNorm(x: Tensor, name: string, parameter: (name: string) => Tensor): Tensor {
  const row = x.shape.map((size, i) => (i === x.shape.length - 2 ? 1 : size));
  const [scale, shift] = ['scale', 'shift'].map((part) => {
    const numbers = parameter(`${name}.${part}`);
    return numbers.shape.length === 1 ? numbers : reshape(numbers, row);
  });
  return add(mul(standardized(x), scale), shift);
}

/** The norm that options choose, of x [B, n] or a stack [K, B, n]. */
export function normalized(x: Tensor, name: string, norm: Norm, inputs: ForwardInputs<CommonOptions>): Tensor {
  if (norm === 'none') return x;
  return norm === 'batch' ? batchNorm(x, name, inputs) : layerNorm(x, name, inputs.parameter);
}

export const normalizedParameters = (name: string, norm: Norm, shape: readonly number[]): ParameterSpec[] =>
  norm === 'none' ? [] : normParameters(name, shape);

/** Moving averages, where the norm has some. */
export const normalizedBuffers = (name: string, norm: Norm, shape: readonly number[]): BufferSpec[] =>
  norm === 'batch' ? batchNormBuffers(name, shape) : [];
