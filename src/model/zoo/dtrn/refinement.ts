/**
 * TRM, the task-specific representation refinement module: for each task a network of its own reads all field embeddings and
 * the task's interests, A_t = [e ; u_t], and weighs them.
 *
 *   a_t = c sigmoid(W_t1 relu(W_t0 squeeze(A_t)))    bottom_t = [a_t1 A_t1 ; .. ; a_tM A_tM]
 */
import { concat, mul, reshape, slice, type Tensor } from '../../../graph/index.ts';
import type { ForwardInputs, ModelSizes, ParameterSpec } from '../../contract.ts';
import { excitation, excitationParameters } from '../../layers/squeeze-excitation.ts';
import { type DtrnOptions, embeddingCount, refinementWidth } from './options.ts';

/** Interests [T, B, K, d] (undefined without sequences) -> bottoms [T, B, M*d] and the weights a [T, B, M], fields first. */
export function refined(
  interests: Tensor | undefined,
  { options, sizes, embedding, parameter }: ForwardInputs<DtrnOptions>,
): { bottoms: Tensor; weights: Tensor } {
  const { squeeze, refinementScale: most, embeddingDim } = options;
  const fields = reshape(embedding, ['B', sizes.fields, embeddingDim]); // [B,F,d]
  const parts = interests === undefined ? [fields] : [fields, interests];
  const weights = excitation(parts, 'trm', { squeeze, most }, parameter); // [T,B,M]
  let from = 0;
  const weighted = parts.map((part) => {
    const count = part.shape.at(-2) as number;
    const own = reshape(slice(weights, 2, from, from + count), [sizes.tasks, 'B', count, 1]); // [T,B,m,1]
    from += count;
    return reshape(mul(part, own), [sizes.tasks, 'B', count * embeddingDim]); // [T,B,m*d]
  });
  return { bottoms: concat(weighted, 2), weights };
}

export function refinementParameters(options: DtrnOptions, sizes: ModelSizes): ParameterSpec[] {
  const embeddings = embeddingCount(options, sizes);
  const { embeddingDim: dimension, squeeze } = options;
  const hidden = refinementWidth(options, sizes);
  return excitationParameters('trm', { count: sizes.tasks, embeddings, dimension, hidden }, squeeze);
}
