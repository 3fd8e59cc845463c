/** `x U + y V` as one Gemm of [x y] and [U; V]. */
import type { Lowering, ValueName } from '../../ops/lowering.ts';
import { isBatchMatrix } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import type { Fusion } from './fusion.ts';
import { isTakenIn } from './taken-in.ts';

/**
 * For values stored transposed: side by side they need no pass over memory to be summed, and a thin product (of a
 * low-rank addition) costs next to nothing inside another. Where x and y together are wider than the sum, copying them
 * side by side would cost more.
 */
export const SUM_OF_PRODUCTS: Fusion = {
  name: 'sum of products',
  match: (node, facts) => {
    if (node.op !== 'add' || !facts.isFlipped(node)) return undefined;
    const products = node.inputs.filter((operand) => isTakenIn(operand, node, facts));
    if (products.length < 2 || !products.every(multipliesRowsWithWeights)) return undefined;
    const inner = products.reduce((sum, { inputs: [x] }) => sum + (x.shape[1] as number), 0);
    if (inner > (node.shape[1] as number)) return undefined;
    return (lowering) => oneProduct(lowering, products);
  },
};

const multipliesRowsWithWeights = ({ inputs: [, w], attributes }: Tensor<'matmul'>): boolean =>
  !attributes.transposeA && !isBatchMatrix(w.shape);

function oneProduct({ build, storage }: Lowering, products: readonly Tensor<'matmul'>[]): ValueName {
  const weights = products.map(({ inputs: [, w], attributes }) => storage.matrix(w, !attributes.transposeB)); // [n,k] each
  const rows = products.map(({ inputs: [x] }) => storage.flipped(x)); // [k,B] each
  return build.add('Gemm', [build.add('Concat', weights, { axis: 1 }), build.add('Concat', rows, { axis: 0 })], {});
}
