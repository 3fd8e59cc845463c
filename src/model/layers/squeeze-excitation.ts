/**
 * Squeeze and excitation (SENet, Hu et al., CVPR 2018) of the embeddings of a row: a small network reads all of them and says
 * how much each one counts. A stack of T such networks, one for each task, over M embeddings A_t.
 *
 *   z_t = squeeze(A_t)    a_t = c sigmoid(W_t1 relu(W_t0 z_t))
 */
import { add, matmul, mul, reduceMean, relu, reshape, sigmoid, slice, type Tensor } from '../../graph/index.ts';
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
  const squeezed = parts.map((part) => (squeeze === 'mean' ? reduceMean(part, [-1]) : flattened(part))); // [B,n] or [T,B,n]
  const hidden = relu(linearOfParts(squeezed, `${name}.0`, parameter)); // [T,B,z]
  return mul(sigmoid(stackedLinear(hidden, `${name}.1`, parameter)), most); // [T,B,M]
}

/** [.., m, d] -> [.., m*d] */
function flattened(part: Tensor): Tensor {
  const [count, dimension] = part.shape.slice(-2) as number[];
  return reshape(part, [...part.shape.slice(0, -2), count * dimension]);
}

/** `stackedLinear` of parts side by side, without laying them so: the kernel is cut instead. -> [T, B, out] */
function linearOfParts(parts: readonly Tensor[], name: string, parameter: (name: string) => Tensor): Tensor {
  const [kernel, bias] = [parameter(`${name}.kernel`), parameter(`${name}.bias`)];
  const [count, outputs] = bias.shape as number[];
  let from = 0;
  const products = parts.map((part) => {
    const to = from + (part.shape.at(-1) as number);
    const own = slice(kernel, 1, from, to); // [T,n,out]
    from = to;
    return matmul(part, own); // [T,B,out]
  });
  return add(
    products.reduce((sum, product) => add(sum, product)),
    reshape(bias, [count, 1, outputs]),
  );
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
