/**
 * Layers whose kernels and biases another layer makes, out of a vector of the scenario (hypernetworks; the meta unit of M2M, Zhang
 * et al., CIKM 2022). They are made once per scenario, not once per row.
 *
 *   K_s = reshape(linear(vector_s), [in, out])    b_s = linear'(vector_s)    y = x K_s + b_s for rows of scenario s
 */
import { add, matmul, mul, reshape, type Tensor } from '../../graph/index.ts';
import type { Initializer, ParameterSpec } from '../contract.ts';
import { linear, linearParameters } from './linear.ts';

/** A layer for each scenario. */
export interface GeneratedLayer {
  /** [S, in, out] */
  kernels: Tensor;
  /** [S, out] */
  biases: Tensor;
}

/** vectors [S, v] -> layers of the given size, by the parameters `<name>.kernels` and `<name>.biases` of two dense layers. */
export function generatedLayer(
  vectors: Tensor,
  name: string,
  { inputs, outputs }: { inputs: number; outputs: number },
  parameter: (name: string) => Tensor,
): GeneratedLayer {
  const [scenarios] = vectors.shape;
  return {
    kernels: reshape(linear(vectors, `${name}.kernels`, parameter), [scenarios, inputs, outputs]),
    biases: linear(vectors, `${name}.biases`, parameter),
  };
}

/** Each row through the layer of its own scenario: x [..., B, in], own [B, S] (one-hot) -> [..., B, out]. */
export const ownLayer = (x: Tensor, { kernels, biases }: GeneratedLayer, own: Tensor): Tensor =>
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

/**
 * The dense layers that make kernels and biases start like any, those of kernels divided by sqrt(in): else the gain of a
 * generated layer would grow with its width.
 */
export function generatedLayerParameters(
  name: string,
  { vector, inputs, outputs }: { vector: number; inputs: number; outputs: number },
): ParameterSpec[] {
  const initializer: Initializer = { kind: 'uniform', bound: 1 / Math.sqrt(vector * inputs) };
  return [
    ...linearParameters(`${name}.kernels`, vector, inputs * outputs).map((spec) => ({ ...spec, initializer })),
    ...linearParameters(`${name}.biases`, vector, outputs),
  ];
}
