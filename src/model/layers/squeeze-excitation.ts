/**
 * Squeeze and excitation (SENet, Hu et al., CVPR 2018) of the embeddings of a row: a small network reads all of them and says
 * how much each one counts. A stack of T such networks, one for each task, over M embeddings A_t.
 *
 *   z_t = squeeze(A_t)    a_t = c sigmoid(W_t1 relu(W_t0 z_t))
 */
import { add, expand, matmul, mul, relu, reshape, sigmoid, slice, type Tensor } from '../../graph/index.ts';
import type { ParameterSpec } from '../contract.ts';
import { xavierParameters } from './linear.ts';
import { stackedLinear } from './stack.ts';

/** `concat`: all numbers of all embeddings. `mean`: one number an embedding, as in SENet. */
export type Squeeze = 'concat' | 'mean';

export interface ExcitationSizes {
  /** Networks: one for each task. */
  count: number;
  embeddings: number;
  dimension: number;
  hidden: number;
}

/**
 * The embeddings come in parts, [B, m, d] for those that all networks read and [T, B, m, d] for those of each, so that the
 * first are not copied T times. -> weights [T, B, M] in the order of the parts, between 0 and `most`.
 */
export function excitation(
  parts: readonly Tensor[],
  name: string,
  { squeeze, most }: { squeeze: Squeeze; most: number },
  parameter: (name: string) => Tensor,
): Tensor {
  const kernel = parameter(`${name}.0.kernel`);
  const read = squeeze === 'mean' ? ofMeans(kernel, parts[0].shape.at(-1) as number) : kernel; // [T,M*d,z]
  const bias = parameter(`${name}.0.bias`);
  const [count, hidden] = bias.shape as number[];
  const product = productOfParts(parts, read); // [T,B,z]
  const excited = stackedLinear(relu(add(product, reshape(bias, [count, 1, hidden]))), `${name}.1`, parameter);
  return mul(sigmoid(excited), most); // [T,B,M]
}

/** A kernel of means [T, M, z], as one of all numbers [T, M*d, z]: a mean is a product with equal weights. */
function ofMeans(kernel: Tensor, dimension: number): Tensor {
  const [count, embeddings, hidden] = kernel.shape as number[];
  const share = reshape(mul(kernel, 1 / dimension), [count, embeddings, 1, hidden]);
  return reshape(expand(share, [count, embeddings, dimension, hidden]), [count, embeddings * dimension, hidden]);
}

/** Embeddings side by side times a kernel [T, M*d, z], without laying them so: the kernel is cut instead. -> [T, B, z] */
function productOfParts(parts: readonly Tensor[], kernel: Tensor): Tensor {
  let from = 0;
  const products = parts.map((part) => {
    const [count, dimension] = part.shape.slice(-2) as number[];
    const to = from + count * dimension;
    const own = slice(kernel, 1, from, to); // [T,m*d,z]
    from = to;
    return matmul(reshape(part, [...part.shape.slice(0, -2), count * dimension]), own); // [T,B,z]
  });
  return products.reduce((sum, product) => add(sum, product));
}

export const excitationParameters = (
  name: string,
  { count, embeddings, dimension, hidden }: ExcitationSizes,
  squeeze: Squeeze,
): ParameterSpec[] => [
  ...xavierParameters(`${name}.0`, [squeeze === 'mean' ? embeddings : embeddings * dimension, hidden], {
    stack: [count],
  }),
  ...xavierParameters(`${name}.1`, [hidden, embeddings], { stack: [count] }),
];
