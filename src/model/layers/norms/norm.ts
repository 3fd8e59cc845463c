/** Normalisations: over the batch, or over the numbers of a row. */
import type { Tensor } from '../../../graph/index.ts';
import { add, div, maximum, mul, reciprocal, reduceMean, reduceSum, reshape, sqrt, sub } from '../../../graph/index.ts';
import type { Layer } from '../../contract.ts';
import { buffer, layer, parameter } from '../layer.ts';

/** Norm between a dense layer's product and its ReLU. */
export type Norm = 'none' | 'batch' | 'layer';

/** The norm that options choose, of x [B, n] or a stack [K, B, n]: `shape` is [n] or [K, n]. */
export function normalization(name: string, norm: Norm, shape: readonly number[]): Layer {
  if (norm === 'none') return layer([], (x) => x);
  return norm === 'batch' ? batchNorm(name, shape) : layerNorm(name, shape);
}

/** What a norm multiplies by and adds, of the given shape. */
export const affine = (name: string, shape: readonly number[]) => ({
  scale: parameter(`${name}.scale`, shape, { kind: 'ones' }),
  shift: parameter(`${name}.shift`, shape, { kind: 'zeros' }),
});

/** Moving mean and variance of a batch norm. */
export const movingAverages = (name: string, shape: readonly number[]) => ({
  mean: buffer(`${name}.mean`, shape, 0),
  variance: buffer(`${name}.variance`, shape, 1),
});

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
  name: string,
  shape: readonly number[],
  { epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions = {},
): Layer {
  const own = affine(name, shape);
  const moving = movingAverages(name, shape);
  return layer([own.scale, own.shift, moving.mean, moving.variance], (x, step) => {
    const axis = x.shape.length - 2;
    const row = x.shape.map((size, i) => (i === axis ? 1 : size));
    const [scale, shift] = [own.scale, own.shift].map((numbers) => reshape(numbers(step), row)); // [..,1,n]
    const [movingMean, movingVariance] = [moving.mean(step), moving.variance(step)]; // [..,n]
    if (!step.training) {
      const factor = mul(scale, reciprocal(sqrt(add(reshape(movingVariance, row), epsilon)))); // [..,1,n]
      return add(mul(x, factor), sub(shift, mul(reshape(movingMean, row), factor))); // [..,B,n]
    }
    const rows = () => step.rows(); // []
    const mean = div(reduceSum(x, [axis], true), rows()); // [..,1,n]
    const centred = sub(x, mean); // [..,B,n]
    const variance = div(reduceSum(mul(centred, centred), [axis], true), rows()); // [..,1,n]
    const unbiased = mul(variance, div(rows(), maximum(sub(rows(), 1), 1))); // [..,1,n]
    const moved = (before: Tensor, batch: Tensor): Tensor =>
      add(mul(before, 1 - momentum), mul(reshape(batch, before.shape), momentum)); // [..,n]
    moving.mean.set(moved(movingMean, mean), step);
    moving.variance.set(moved(movingVariance, unbiased), step);
    return add(mul(centred, mul(scale, reciprocal(sqrt(add(variance, epsilon))))), shift); // [..,B,n]
  });
}

/** Layer norm over the last axis of x, with the biased variance: (x - mean) / sqrt(variance + 1e-5), before scale and shift. */
export function standardized(x: Tensor): Tensor {
  const last = [x.shape.length - 1];
  const centred = sub(x, reduceMean(x, last, true));
  const variance = reduceMean(mul(centred, centred), last, true); // [..,1]
  return mul(centred, reciprocal(sqrt(add(variance, 1e-5))));
}

/** Layer norm (Ba et al. 2016) with a scale and a shift [n], or [K, n] for a stack [K, B, n]. */
function layerNorm(name: string, shape: readonly number[]): Layer {
  const own = affine(name, shape);
  return layer([own.scale, own.shift], (x, step) => {
    const row = x.shape.map((size, i) => (i === x.shape.length - 2 ? 1 : size));
    const [scale, shift] = [own.scale, own.shift].map((numbers) =>
      shape.length === 1 ? numbers(step) : reshape(numbers(step), row),
    ); // [n] or [K,1,n]
    return add(mul(standardized(x), scale), shift);
  });
}
