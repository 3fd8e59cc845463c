/** Mixtures of experts, row by row. */
import { matmul, mul, reduceSum, reshape, softmax, type Tensor, transpose } from '../../graph/index.ts';

/** Each of H gates mixes the K experts that it reads: gate logits [H, B, K], experts as in `weightedSum` -> [H, B, n]. */
export const mixture = (gateLogits: Tensor, experts: Tensor): Tensor => weightedSum(softmax(gateLogits), experts);

/**
 * Sums of experts, row by row: weights [H, B, K] and experts [K, B, n] -> [H, B, n]. Experts [G, K, B, n] lie in groups: of H
 * sums, the first H/G are of group 0, the next of group 1, and so on.
 */
export function weightedSum(weights: Tensor, experts: Tensor): Tensor {
  const grouped = experts.shape.length === 4;
  const [count, sums, width] = [experts.shape.at(-3), weights.shape[0], experts.shape.at(-1)] as number[];
  const groups = grouped ? (experts.shape[0] as number) : 1;
  if (sums === groups) {
    // One sum of each expert: no row needs its experts side by side.
    const beside = reshape(transpose(weights, [0, 2, 1]), [groups, count, 'B', 1]); // [G,K,B,1]
    return reduceSum(mul(reshape(experts, [groups, count, 'B', width]), beside), [1]); // [G,B,n]
  }
  if (!grouped) {
    const perRow = matmul(transpose(weights, [1, 0, 2]), transpose(experts, [1, 0, 2])); // [B,H,n]
    return transpose(perRow, [1, 0, 2]);
  }
  const rows = transpose(reshape(weights, [groups, sums / groups, 'B', count]), [2, 0, 1, 3]); // [B,G,H/G,K]
  const perRow = matmul(rows, transpose(experts, [2, 0, 1, 3])); // [B,G,H/G,n]
  return reshape(transpose(perRow, [1, 2, 0, 3]), [sums, 'B', width]);
}
