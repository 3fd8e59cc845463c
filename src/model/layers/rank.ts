/** Order among a few numbers of each row, which stand below each other: the batch is the last axis. */
import { add, cast, greater, matmul, stopGradient, sub, type Tensor } from '../../graph/index.ts';
import { times } from './layer.ts';

/**
 * The place of each number among those of its row, rising: [E, B] -> [E, B], 0 for the smallest; of equal numbers the one
 * with the lower index comes first. No gradient flows. Every pair is compared once: E (E-1) / 2 comparisons a row.
 */
export function ranks(values: Tensor): Tensor {
  const { graph, shape } = values;
  const count = shape[0] as number;
  const indices = times(count, (i) => i);
  const pairs = indices.flatMap((a) => indices.slice(a + 1).map((b) => [a, b]));
  const still = stopGradient(values);
  if (pairs.length === 0) return sub(still, still);
  const places = graph.constant(indices, [count, 1]); // the order if no pair were the wrong way round
  const signs = pairs.flatMap(([a, b]) => indices.map((i) => Number(i === a) - Number(i === b)));
  const first = graph.constant(signs, [pairs.length, count]); // 1 for the first of each pair, -1 for the second
  const differences = matmul(first, still); // [pairs,B], exact: all else is times 0
  const swapped = cast(greater(differences, 0), 'float32'); // [pairs,B]
  return add(matmul(first, swapped, { transposeA: true }), places); // [E,B]
}
