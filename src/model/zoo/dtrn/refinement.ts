/**
 * TRM, the task-specific representation refinement module: for each task a network of its own reads all field embeddings and
 * the task's interests and weighs them.
 *
 *   A_t = [e ; u_t]    a_t = c sigmoid(W_t1 relu(W_t0 squeeze(A_t)))    bottom_t = [a_t1 A_t1 ; .. ; a_tM A_tM]
 */
import { concat, expand, mul, reshape, slice, type Tensor } from '../../../graph/index.ts';
import type { ModelSizes, Step } from '../../contract.ts';
import { inputWidth } from '../../layers/fields.ts';
import { layer } from '../../layers/layer.ts';
import { excitation } from '../../layers/squeeze-excitation.ts';
import { type DtrnOptions, embeddingCount, refinementWidth } from './options.ts';

/** Interests [T, B, K, d], or undefined without sequences -> bottoms [T, B, M*d] and their weights [T, B, M], fields first. */
export function refinement(options: DtrnOptions, sizes: ModelSizes) {
  const { embeddingDim: dimension, squeeze, refinementScale: most } = options;
  const { tasks: count, fields } = sizes;
  const [embeddings, hidden] = [embeddingCount(options, sizes), refinementWidth(options, sizes)];
  const width = fields * dimension;
  const pairs = inputWidth(options, sizes) - width;
  const excite = excitation('trm', { count, embeddings, dimension, hidden, squeeze, most });
  return layer([excite], (u: Tensor | undefined, step: Step) => {
    const fieldRows = reshape(slice(step.embedding, 1, 0, width), ['B', fields, dimension]); // [B,F,d]
    const e = expand(fieldRows, [count, 'B', fields, dimension]); // [T,B,F,d]
    const A = u === undefined ? e : concat([e, u], 2); // [T,B,M,d]
    const weights = excite(A, step); // [T,B,M]
    const weighted = mul(A, reshape(weights, [count, 'B', embeddings, 1])); // [T,B,M,d]
    const bottoms = reshape(weighted, [count, 'B', embeddings * dimension]); // [T,B,M*d]
    if (pairs === 0) return { bottoms, weights };
    const products = expand(slice(step.embedding, 1, width, width + pairs), [count, 'B', pairs]); // no weight scales them
    return { bottoms: concat([bottoms, products], 2), weights }; // [T,B,M*d+P]
  });
}
