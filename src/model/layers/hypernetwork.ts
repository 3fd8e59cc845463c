/**
 * Layers whose kernels and biases another layer makes, out of a vector of the scenario (hypernetworks; the meta unit of M2M, Zhang
 * et al., CIKM 2022). They are made once per scenario, not once per row.
 *
 *   K_s = reshape(linear(vector_s), [in, out])    b_s = linear'(vector_s)    y = x K_s + b_s for rows of scenario s
 */
import { add, matmul, mul, reshape, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { byInputs, layer } from './layer.ts';
import { linear } from './linear.ts';

/** A layer for each scenario. */
export interface Generated {
  /** [S, in, out] */
  kernels: Tensor;
  /** [S, out] */
  biases: Tensor;
}

/**
 * vectors [S, v] -> layers of the given size, by two dense layers `<name>.kernels` and `<name>.biases`. These start like any, those of
 * kernels divided by sqrt(in): else the gain of a generated layer would grow with its width.
 */
export function generator(
  name: string,
  { vector, inputs, outputs }: { vector: number; inputs: number; outputs: number },
): Layer<[vectors: Tensor], Generated> {
  const kernels = linear(`${name}.kernels`, {
    inputs: vector,
    outputs: inputs * outputs,
    start: byInputs(vector * inputs),
  });
  const biases = linear(`${name}.biases`, { inputs: vector, outputs });
  return layer([kernels, biases], (vectors: Tensor, step) => ({
    kernels: reshape(kernels(vectors, step), [vectors.shape[0], inputs, outputs]),
    biases: biases(vectors, step),
  }));
}

/** Each row through the layer of its own scenario: x [..., B, in], own [B, S] (one-hot) -> [..., B, out]. */
export const ownLayer = (x: Tensor, { kernels, biases }: Generated, own: Tensor): Tensor =>
  add(ownProduct(x, kernels, own), matmul(own, biases));

/**
 * Each row times the kernel of its own scenario: x [..., B, in], kernels [S, in, out] -> [..., B, out]. A row stands in its
 * scenario's part of S*in numbers, zeros in the others; then one product with all kernels below each other is exact.
 */
export function ownProduct(x: Tensor, kernels: Tensor, own: Tensor): Tensor {
  const [scenarios, inputs, outputs] = kernels.shape as number[];
  const before = x.shape.slice(0, -1); // [...,B]
  const apart = mul(reshape(x, [...before, 1, inputs]), reshape(own, ['B', scenarios, 1])); // [...,B,S,in]
  return matmul(reshape(apart, [...before, scenarios * inputs]), reshape(kernels, [scenarios * inputs, outputs])); // [...,B,out]
}
