/** `x W + b` as one Gemm. */
import { lowerProduct } from '../../ops/gemm.ts';
import type { Lowering, ValueName } from '../../ops/lowering.ts';
import { isBatchMatrix } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import type { Fusion, GraphFacts } from './fusion.ts';
import { isTakenIn } from './taken-in.ts';

/** The bias is Gemm's third operand. */
export const PRODUCT_AND_BIAS: Fusion = {
  name: 'product and bias',
  match: (node, facts) => {
    const found = productAndBias(node, facts);
    return found && ((lowering) => lowerProduct(lowering, found.product, found.bias));
  },
};

/**
 * The bias is one more row of weights, for a column of ones that is appended to the rows. Gemm first writes a bias all
 * over its result, on one thread: where narrow rows become wide ones stored transposed, copying the rows costs less
 * (1.6 of 12 ms at 128 to 1024).
 */
export const BIAS_AS_WEIGHT: Fusion = {
  name: 'product and bias, the bias as a weight',
  match: (node, facts) => {
    const found = productAndBias(node, facts);
    if (found === undefined || !facts.isFlipped(node) || !readsNarrowRows(found.product, facts)) return undefined;
    return (lowering) => biasAsWeight(lowering, found.product, found.bias);
  },
};

interface ProductAndBias {
  product: Tensor<'matmul'>;
  /** [n] or [1, n] */
  bias: Tensor;
}

/** Matches `product + row` and `row + product`. */
function productAndBias(node: Tensor, facts: GraphFacts): ProductAndBias | undefined {
  if (node.op !== 'add' || node.shape.length !== 2) return undefined;
  const [a, b] = node.inputs;
  if (isRow(b, node) && isTakenIn(a, node, facts)) return { product: a, bias: b };
  if (isRow(a, node) && isTakenIn(b, node, facts)) return { product: b, bias: a };
  return undefined;
}

const isRow = ({ shape }: Tensor, sum: Tensor): boolean =>
  shape.at(-1) === sum.shape[1] && (shape.length === 1 || (shape.length === 2 && shape[0] === 1));

function readsNarrowRows({ inputs: [x], attributes, shape }: Tensor<'matmul'>, facts: GraphFacts): boolean {
  const [inner, columns] = [x.shape[1], shape[1]] as number[];
  return isBatchMatrix(x.shape) && !facts.isFlipped(x) && !attributes.transposeA && 4 * inner <= columns;
}

function biasAsWeight({ build, storage, sizes }: Lowering, product: Tensor<'matmul'>, bias: Tensor): ValueName {
  const [x, w] = product.inputs;
  const kernel = storage.matrix(w, !product.attributes.transposeB); // [n,k]
  const weights = [kernel, build.reshaped(storage.plain(bias), [product.shape[1], 1])]; // [n,k], [n,1]
  const rows = build.once(`${x.id} and 1`, () => {
    const one = build.float(1);
    const ones = build.add('Expand', [one, build.add('Concat', [sizes.batch(), build.int64s([1])], { axis: 0 })]); // [B,1]
    return build.add('Concat', [storage.plain(x), ones], { axis: 1 }); // [B,k+1]
  });
  return build.add('Gemm', [build.add('Concat', weights, { axis: 1 }), rows], { transA: 0, transB: 1 });
}
