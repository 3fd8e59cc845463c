/**
 * Dense layers: y = x K + b, with kernels [in, out]. Networks of equal shape (experts, towers) form a stack: with `count` K of them
 * are one batched product per layer, with kernels [K, in, out].
 *
 * A stack reads rows [B, in] that all members share, rows [K, B, in] of each member, or rows [G, B, in] of groups: the first K/G
 * members read the first group, the next K/G the second, and so on. Where every member reads every group, rows are
 * [G, 1, B, in] and the result is [G, K, B, out].
 */
import { add, concat, matmul, relu, reshape, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { byInputs, chain, type DenseInitializers, layer, parameter, widthsOf, type xavier } from './layer.ts';
import { type Norm, normalization } from './norms/norm.ts';

/** A dense layer, or a stack of them, whose parts others may use. */
export type Linear = Layer & { kernel: Layer<[]>; bias: Layer<[]> };

export interface LinearSizes {
  /** Members of a stack. Default: one layer, no stack. */
  count?: number;
  inputs: number;
  outputs: number;
  /** Default: `byInputs`. */
  start?: DenseInitializers;
  group?: string;
}

export interface MlpSizes extends Omit<LinearSizes, 'outputs' | 'start'> {
  dims: readonly number[];
  /** Between product and ReLU; without `count`, x is then [B, in] or [1, B, in]. Default: none. */
  norm?: Norm;
}

export type StackSizes = MlpSizes & { count: number };

/** x [.., B, in] -> [.., B, out], or [K, B, out] for a stack, with the parameters `<name>.kernel` and `<name>.bias`. */
export function linear(name: string, { count, inputs, outputs, start = byInputs(inputs), group }: LinearSizes): Linear {
  const members = count === undefined ? [] : [count];
  const kernel = parameter(`${name}.kernel`, [...members, inputs, outputs], start.kernel, group);
  const bias = parameter(`${name}.bias`, [...members, outputs], start.bias, group);
  const call = layer([kernel, bias], (x, step) => {
    const [K, b] = [kernel(step), bias(step)];
    if (count === undefined) return add(matmul(x, K), b); // [..,B,out]
    return add(stackedProduct(x, K), reshape(b, [count, 1, outputs])); // [K,B,out]
  });
  return Object.assign(call, { kernel, bias });
}

/** Rows of a stack, as above, times its kernels [K, in, out] -> [K, B, out]. */
function stackedProduct(x: Tensor, kernels: Tensor): Tensor {
  const [count, inputs, outputs] = kernels.shape as number[];
  const groups = x.shape[0] as number;
  if (x.shape.length !== 3 || groups === 1 || groups >= count) return matmul(x, kernels); // [K,B,out]
  const byGroup = reshape(kernels, [groups, count / groups, inputs, outputs]);
  return reshape(matmul(forEachMember(x), byGroup), [count, 'B', outputs]); // [K,B,out]
}

/** Rows that every member of a stack reads: [B, in] as they are, [G, B, in] as [G, 1, B, in]. */
export function forEachMember(x: Tensor): Tensor {
  if (x.shape.length === 2) return x;
  const [groups, , inputs] = x.shape as number[];
  return reshape(x, [groups, 1, 'B', inputs]);
}

/** Rows of each member, [B, n] each -> [K, B, n]. */
export function sideBySide(rows: readonly Tensor[]): Tensor {
  const members = rows.map((one) => reshape(one, [1, ...one.shape])); // [1,B,n] each
  return concat(members, 0);
}

/** Blocks of `dims`, one after another: x -> [.., B, dims.at(-1)], or [K, B, dims.at(-1)]. Block i is `<name>.<i>`. */
export const mlp = (name: string, sizes: MlpSizes): Layer => chain(mlpBlocks(name, sizes));

/** The blocks of an `mlp`, for models with something between them. */
export const mlpBlocks = (name: string, { inputs, dims, ...others }: MlpSizes): Layer[] =>
  widthsOf(inputs, dims).map((widths, i) => block(`${name}.${i}`, { ...widths, ...others }));

/**
 * Two dense layers with a ReLU between them, `<name>.0` and `<name>.1`: x -> [.., B, out], or [K, B, out]. Without norm and dropout,
 * as gates and the feed-forward networks of transformers are.
 */
export function twoLayers(
  name: string,
  { hidden, start = byInputs, ...sizes }: Omit<LinearSizes, 'start'> & { hidden: number; start?: typeof xavier },
): Layer {
  const [first, second] = widthsOf(sizes.inputs, [hidden, sizes.outputs]).map(({ inputs, outputs }, i) =>
    linear(`${name}.${i}`, { ...sizes, inputs, outputs, start: start(inputs, outputs) }),
  );
  return layer([first, second], (x, step) => second(relu(first(x, step)), step));
}

/** Product, norm, ReLU and dropout: x -> [.., B, out], or [K, B, out]. */
function block(name: string, { norm = 'none', ...sizes }: LinearSizes & { norm?: Norm }): Layer {
  const product = linear(name, sizes);
  const normed = normalization(`${name}.norm`, norm, [...(sizes.count ? [sizes.count] : []), sizes.outputs]);
  return layer([product, normed], (x, step) => step.dropout(relu(normed(product(x, step), step)), name));
}
