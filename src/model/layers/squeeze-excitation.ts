/**
 * Squeeze and excitation (SENet, Hu et al., CVPR 2018) of the embeddings of a row: a small network reads all of them and says
 * how much each one counts. A stack of T such networks, one for each task, over M embeddings A_t.
 *
 *   z_t = squeeze(A_t)    a_t = c sigmoid(W_t1 relu(W_t0 z_t))
 */
import { mul, reduceMean, reshape, sigmoid } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer, xavier } from './layer.ts';
import { twoLayers } from './linear.ts';

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

/** A [T, B, M, d] -> weights [T, B, M], between 0 and `most`. */
export function excitation(name: string, sizes: ExcitationSizes): Layer {
  const { count, embeddings, dimension, hidden, squeeze, most } = sizes;
  const inputs = squeeze === 'mean' ? embeddings : embeddings * dimension;
  const logits = twoLayers(name, { count, inputs, hidden, outputs: embeddings, start: xavier });
  return layer([logits], (A, step) => {
    const z = squeeze === 'mean' ? reduceMean(A, [3]) : reshape(A, [count, 'B', inputs]); // [T,B,M] or [T,B,M*d]
    return mul(sigmoid(logits(z, step)), most); // [T,B,M]
  });
}
