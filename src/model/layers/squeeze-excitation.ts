/**
 * Squeeze and excitation (SENet, Hu et al., CVPR 2018) of the embeddings of a row: a small network reads all of them and says
 * how much each one counts. A stack of T such networks, one for each task, over M embeddings A_t.
 *
 *   z_t = squeeze(A_t)    a_t = c sigmoid(W_t1 relu(W_t0 z_t))
 */
import { add, expand, matmul, mul, relu, reshape, sigmoid, slice, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer, xavier } from './layer.ts';
import { linear } from './linear.ts';

/** `concat`: all numbers of all embeddings. `mean`: one number an embedding, as in SENet. */
export type Squeeze = 'concat' | 'mean';

export interface ExcitationSizes {
  /** Networks: one for each task. */
  count: number;
  embeddings: number;
  dimension: number;
  hidden: number;
  squeeze: Squeeze;
  /** The largest weight. */
  most: number;
}

/**
 * The embeddings come in parts, [B, m, d] for those that all networks read and [T, B, m, d] for those of each, so that the
 * first are not copied T times. -> weights [T, B, M] in the order of the parts, between 0 and `most`.
 */
export function excitation(name: string, sizes: ExcitationSizes): Layer<[parts: readonly Tensor[]]> {
  const { count, embeddings, dimension, hidden, squeeze, most } = sizes;
  const inputs = squeeze === 'mean' ? embeddings : embeddings * dimension;
  const dense = (part: number, inputs: number, outputs: number) =>
    linear(`${name}.${part}`, { count, inputs, outputs, start: xavier(inputs, outputs) });
  const [first, second] = [dense(0, inputs, hidden), dense(1, hidden, embeddings)];
  return layer([first, second], (parts: readonly Tensor[], step) => {
    const kernel = first.kernel(step);
    const read = squeeze === 'mean' ? ofMeans(kernel, sizes) : kernel; // [T,M*d,z]
    const product = productOfParts(parts, read); // [T,B,z]
    const excited = second(relu(add(product, reshape(first.bias(step), [count, 1, hidden]))), step); // [T,B,M]
    return mul(sigmoid(excited), most); // [T,B,M]
  });
}

/** A kernel of means [T, M, z], as one of all numbers [T, M*d, z]: a mean is a product with equal weights. */
function ofMeans(kernel: Tensor, { count, embeddings, dimension, hidden }: ExcitationSizes): Tensor {
  const share = reshape(mul(kernel, 1 / dimension), [count, embeddings, 1, hidden]);
  return reshape(expand(share, [count, embeddings, dimension, hidden]), [count, embeddings * dimension, hidden]); // [T,M*d,z]
}

/** The product of embeddings in a row with a kernel [T, M*d, z]: the kernel is cut, so that they need no copy. -> [T, B, z] */
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
