/**
 * TRM, the task-specific representation refinement module: for each task a network of its own reads all field embeddings and
 * the task's interests, A_t = [e ; u_t], and weighs them.
 *
 *   a_t = c sigmoid(W_t1 relu(W_t0 squeeze(A_t)))    bottom_t = [a_t1 A_t1 ; .. ; a_tM A_tM]
 */
import { concat, expand, mul, reshape, slice, type Tensor } from '../../../graph/index.ts';
import type { Layer, ModelSizes, Step } from '../../contract.ts';
import { inputWidth } from '../../layers/fields.ts';
import { layer } from '../../layers/layer.ts';
import { excitation } from '../../layers/squeeze-excitation.ts';
import { type DtrnOptions, embeddingCount, refinementWidth } from './options.ts';

interface Refined {
  /** [T, B, M*d] */
  bottoms: Tensor;
  /** a [T, B, M], fields first. */
  weights: Tensor;
}

/** Interests [T, B, K, d], or undefined without sequences -> bottoms. */
export function refinement(options: DtrnOptions, sizes: ModelSizes): Layer<[interests: Tensor | undefined], Refined> {
  const { embeddingDim: dimension, squeeze, refinementScale: most } = options;
  const { tasks, fields } = sizes;
  const [embeddings, hidden] = [embeddingCount(options, sizes), refinementWidth(options, sizes)];
  const weigh = excitation('trm', { count: tasks, embeddings, dimension, hidden, squeeze, most });
  return layer([weigh], (interests: Tensor | undefined, step: Step) => {
    const width = fields * dimension;
    const e = reshape(slice(step.embedding, 1, 0, width), ['B', fields, dimension]); // [B,F,d]
    const A = interests === undefined ? [e] : [e, interests]; // [B,F,d], [T,B,K,d]
    const a = weigh(A, step); // [T,B,M]
    let from = 0;
    const weighted = A.map((part) => {
      const count = part.shape.at(-2) as number;
      const own = reshape(slice(a, 2, from, from + count), [tasks, 'B', count, 1]); // [T,B,m,1]
      from += count;
      return reshape(mul(part, own), [tasks, 'B', count * dimension]); // [T,B,m*d]
    });
    const pairs = inputWidth(options, sizes) - width;
    if (pairs > 0) {
      const products = reshape(slice(step.embedding, 1, width, width + pairs), [1, 'B', pairs]); // no weight scales them
      weighted.push(expand(products, [tasks, 'B', pairs])); // [T,B,P]
    }
    return { bottoms: concat(weighted, 2), weights: a };
  });
}
