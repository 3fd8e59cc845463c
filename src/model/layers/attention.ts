/** Attention within short sequences, padding left out. */
import {
  add,
  elements,
  matmul,
  mul,
  reshape,
  type Shape,
  softmax,
  sub,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type { ParameterSpec } from '../contract.ts';
import { linear, xavierParameters } from './linear.ts';
import { stackedLinear } from './stack.ts';

type Parameters = (name: string) => Tensor;

/**
 * Multi-head self-attention (Vaswani et al. 2017, section 3.2): x [.., L, d] -> [.., L, d].
 *
 *   y = [A_1 V_1 ; .. ; A_H V_H] O    A_h = softmax(Q_h K_h^T / sqrt(d / H))
 *
 * `mask` is 1 for items and 0 for padding, which no item attends to: [.., L], its leading axes being the last ones of x's.
 * The heads are a stack: their projections are one batched product, and no head has to be cut out of a wider one.
 */
export function selfAttention(x: Tensor, mask: Tensor, name: string, parameter: Parameters): Tensor {
  const places = x.shape.slice(0, -1); // [.., L]
  const rows = elements(places);
  const kernel = (part: string): Tensor => parameter(`${name}.${part}.kernel`);
  const [heads, dimension, width] = kernel('query').shape as number[];
  const flat = reshape(x, [rows, dimension]); // [..*L,d]
  const byPlace = (projected: Tensor): Tensor => reshape(projected, [heads, ...places, width]); // [H,..,L,d/H]

  const scale = 1 / Math.sqrt(width); // on the kernel, which is smaller than what it makes
  const queryBias = reshape(mul(parameter(`${name}.query.bias`), scale), [heads, 1, width]);
  const query = byPlace(add(matmul(flat, mul(kernel('query'), scale)), queryBias));
  const key = byPlace(stackedLinear(flat, `${name}.key`, parameter));
  const padding = paddingBias(mask); // [..,L]
  const scores = add(matmul(query, key, { transposeB: true }), reshape(padding, beforeLast(padding.shape))); // [H,..,L,L]
  const read = matmul(softmax(scores), byPlace(matmul(flat, kernel('value')))); // [H,..,L,d/H]

  const beside = reshape(transpose(reshape(read, [heads, rows, width]), [1, 0, 2]), [rows, dimension]); // [..*L,d]
  // The weights of a place add up to 1, so the bias of the values comes through as it is.
  const bias = linear(reshape(parameter(`${name}.value.bias`), [1, dimension]), `${name}.output`, parameter); // [1,d]
  return reshape(add(matmul(beside, kernel('output')), bias), x.shape);
}

/** The four projections; those of queries, keys and values are stored by head: [H, d, d/H]. `heads` divides `dimension`. */
export const selfAttentionParameters = (name: string, dimension: number, heads: number): ParameterSpec[] => [
  ...['query', 'key', 'value'].flatMap((part) =>
    xavierParameters(`${name}.${part}`, [dimension, dimension / heads], { stack: [heads] }),
  ),
  ...xavierParameters(`${name}.output`, [dimension, dimension]),
];

/**
 * Added to scores before a softmax: 0 for items; -1e9 for padding, whose weight is then exactly 0. Where all is padding the
 * weights are finite and mean nothing.
 */
export const paddingBias = (mask: Tensor): Tensor => mul(sub(mask, 1), 1e9);

/** [.., n] as [.., 1, n]. */
const beforeLast = (shape: Shape): Shape => [...shape.slice(0, -1), 1, ...shape.slice(-1)];
