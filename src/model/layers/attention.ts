/** Attention within short sequences, padding left out. */
import type { Shape, Tensor } from '../../graph/index.ts';
import { add, elements, matmul, mul, reshape, softmax, sub, transpose } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer, xavier } from './layer.ts';
import { linear } from './linear.ts';

/**
 * Multi-head self-attention (Vaswani et al. 2017, section 3.2): x [.., L, d] -> [.., L, d]. `heads` divides `dimension`.
 *
 *   y = [A_1 V_1 ; .. ; A_H V_H] O    A_h = softmax(Q_h K_h^T / sqrt(d / H))
 *
 * `mask` is 1 for items and 0 for padding, which no item attends to: [.., L], its leading axes being the last ones of x's.
 * The heads are a stack: their projections are one batched product, and no head has to be cut out of a wider one.
 */
export function selfAttention(
  name: string,
  { dimension, heads }: { dimension: number; heads: number },
): Layer<[x: Tensor, mask: Tensor]> {
  const width = dimension / heads;
  const dense = (part: string, outputs: number, count?: number) =>
    linear(`${name}.${part}`, { count, inputs: dimension, outputs, start: xavier(dimension, outputs) });
  const [queries, keys, values] = ['query', 'key', 'value'].map((part) => dense(part, width, heads));
  const output = dense('output', dimension);
  return layer([queries, keys, values, output], (x: Tensor, mask: Tensor, step) => {
    const places = x.shape.slice(0, -1); // [.., L]
    const rows = elements(places);
    const flat = reshape(x, [rows, dimension]); // [..*L,d]
    const byPlace = (projected: Tensor): Tensor => reshape(projected, [heads, ...places, width]); // [H,..,L,d/H]

    const scale = 1 / Math.sqrt(width); // on the kernel, which is smaller than what it makes
    const queryBias = reshape(mul(queries.bias(step), scale), [heads, 1, width]);
    const query = byPlace(add(matmul(flat, mul(queries.kernel(step), scale)), queryBias)); // [H,..,L,d/H]
    const key = byPlace(keys(flat, step)); // [H,..,L,d/H]
    const padding = paddingBias(mask); // [..,L]
    const scores = add(matmul(query, key, { transposeB: true }), reshape(padding, beforeLast(padding.shape))); // [H,..,L,L]
    const read = matmul(softmax(scores), byPlace(matmul(flat, values.kernel(step)))); // [H,..,L,d/H]

    const joined = reshape(transpose(reshape(read, [heads, rows, width]), [1, 0, 2]), [rows, dimension]); // [..*L,d]
    // The weights of a place add up to 1, so the bias of the values comes through as it is.
    const bias = output(reshape(values.bias(step), [1, dimension]), step); // [1,d]
    return reshape(add(matmul(joined, output.kernel(step)), bias), x.shape); // [..,L,d]
  });
}

/**
 * Added to scores before a softmax: 0 for items; -1e9 for padding, whose weight is then exactly 0. Where all is padding the
 * weights are finite and mean nothing.
 */
export const paddingBias = (mask: Tensor): Tensor => mul(sub(mask, 1), 1e9);

/** [.., n] as [.., 1, n]. */
const beforeLast = (shape: Shape): Shape => [...shape.slice(0, -1), 1, ...shape.slice(-1)];
