/** Dense layers. Kernels are [in, out]: y = x K + b. */
import { add, matmul, relu } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { byInputs, chain, type DenseInitializers, layer, parameter, widthsOf } from './layer.ts';
import { type Norm, normalization } from './norms/norm.ts';

/** A dense layer, or a stack of them, whose parts others may use. */
export type Linear = Layer & { kernel: Layer<[]>; bias: Layer<[]> };

export interface LinearSizes {
  inputs: number;
  outputs: number;
  /** Default: `byInputs`. */
  start?: DenseInitializers;
  group?: string;
}

/** x [.., B, in] -> [.., B, out], with the parameters `<name>.kernel` [in, out] and `<name>.bias` [out]. */
export function linear(name: string, { inputs, outputs, start = byInputs(inputs), group }: LinearSizes): Linear {
  const kernel = parameter(`${name}.kernel`, [inputs, outputs], start.kernel, group);
  const bias = parameter(`${name}.bias`, [outputs], start.bias, group);
  const call = layer([kernel, bias], (x, step) => add(matmul(x, kernel(step)), bias(step))); // [..,B,out]
  return Object.assign(call, { kernel, bias });
}

export interface MlpSizes {
  inputs: number;
  dims: readonly number[];
  /** Between product and ReLU; with one, x is [B, in] or [1, B, in]. Default: none. */
  norm?: Norm;
  group?: string;
}

/** Blocks of `dims`: x [.., B, in] -> [.., B, dims.at(-1)]. Block i is `<name>.<i>`. */
export const mlp = (name: string, { inputs, dims, norm, group }: MlpSizes): Layer =>
  chain(widthsOf(inputs, dims).map((widths, i) => block(`${name}.${i}`, { ...widths, norm, group })));

/** Product, norm, ReLU and dropout: x [.., B, in] -> [.., B, out]. */
export function block(name: string, { norm = 'none', ...sizes }: LinearSizes & { norm?: Norm }): Layer {
  const product = linear(name, sizes);
  const normed = normalization(`${name}.norm`, norm, [sizes.outputs]);
  return layer([product, normed], (x, step) => step.dropout(relu(normed(product(x, step), step)), name));
}
