/**
 * The ONNX nodes of matrix products, and of sums that products are better computed together with. Which is better was measured
 * on training steps; layout.ts chooses what is stored transposed.
 */

import { isBatchMatrix, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Emitter } from './emit.ts';
import { int8Product } from './int8.ts';

/** A matrix product. Two-dimensional: Gemm, computed transposed where the result is stored so. */
export function product(emitter: Emitter, node: Tensor<'matmul'>, bias?: Tensor): string {
  const [a, b] = node.inputs;
  const { transposeA, transposeB } = node.attributes;
  if (a.shape.length !== 2 || b.shape.length !== 2)
    return emitter.add('MatMul', [emitter.operand(a, transposeA), emitter.operand(b, transposeB)]);
  if (emitter.isInt8(b)) {
    const inInt8 = withInt8Weights(emitter, a, b);
    return bias === undefined ? inInt8 : emitter.add('Add', [inInt8, emitter.value(bias)]);
  }
  const transA = transposeA !== emitter.isFlipped(a);
  const transB = transposeB !== emitter.isFlipped(b);
  const flip = emitter.isFlipped(node);
  // Weights turned beforehand cost less than a product that reads them across (10 % at 1024 x 512).
  const turnWeights = flip && !transB && !isBatchMatrix(b.shape);
  const names = flip
    ? [turnWeights ? emitter.operand(b, true) : emitter.asStored(b), emitter.asStored(a)]
    : [emitter.asStored(a), emitter.asStored(b)];
  const transposes = flip
    ? { transA: Number(!transB && !turnWeights), transB: Number(!transA) }
    : { transA: Number(transA), transB: Number(transB) };
  if (bias !== undefined)
    names.push(flip ? emitter.reshaped(emitter.value(bias), [node.shape[1], 1]) : emitter.value(bias));
  return emitter.add('Gemm', names, transposes);
}

function withInt8Weights(emitter: Emitter, rows: Tensor, weights: Tensor<'input'>): string {
  const { name } = weights.attributes;
  const nonNegative = rows.op === 'relu' || rows.op === 'sigmoid';
  return int8Product(emitter, emitter.value(rows), { weights: name, scales: `${name}.scales`, nonNegative });
}

/** Is this operand of a sum a product of two matrices, read nowhere else and stored as the sum is? */
const takesIn = (emitter: Emitter, sum: Tensor, operand: Tensor): operand is Tensor<'matmul'> =>
  operand.op === 'matmul' &&
  operand.inputs.every((input) => input.shape.length === 2) &&
  sameShape(operand.shape, sum.shape) &&
  emitter.isReadOnce(operand) &&
  emitter.isFlipped(operand) === emitter.isFlipped(sum);

/** `x W + b` as one Gemm, where `node` is such a sum and the product is read nowhere else. */
export function sumWithBias(emitter: Emitter, node: Tensor): string | undefined {
  if (node.op !== 'add' || node.shape.length !== 2) return undefined;
  const [a, b] = node.inputs;
  for (const [operand, bias] of [
    [a, b],
    [b, a],
  ]) {
    const isRow =
      bias.shape.at(-1) === node.shape[1] &&
      (bias.shape.length === 1 || (bias.shape.length === 2 && bias.shape[0] === 1));
    if (isRow && takesIn(emitter, node, operand))
      return biasInside(emitter, operand, bias) ?? product(emitter, operand, bias);
  }
  return undefined;
}

/**
 * The bias as one more row of weights, for a one that is put beside every row. Gemm first writes the bias all over its result,
 * on one thread: where narrow rows become wide ones stored transposed, copying the rows costs less (1.6 of 12 ms at 128 to 1024).
 */
function biasInside(emitter: Emitter, node: Tensor<'matmul'>, bias: Tensor): string | undefined {
  const {
    inputs: [x, w],
    attributes: { transposeA, transposeB },
  } = node;
  const [inner, columns] = [x.shape[1], node.shape[1]] as number[];
  const narrow = isBatchMatrix(x.shape) && !emitter.isFlipped(x) && !transposeA && 4 * inner <= columns;
  if (!narrow || !emitter.isFlipped(node) || emitter.isInt8(w)) return undefined;
  const weights = [emitter.operand(w, !transposeB), emitter.reshaped(emitter.value(bias), [columns, 1])]; // [n,k], [n,1]
  const rows = emitter.once(`${x.id} and 1`, () => {
    const one = emitter.add('Expand', [
      emitter.float(1),
      emitter.add('Concat', [emitter.batchSize(), emitter.int64s([1])], { axis: 0 }),
    ]);
    return emitter.add('Concat', [emitter.value(x), one], { axis: 1 }); // [B,k+1]
  });
  return emitter.add('Gemm', [emitter.add('Concat', weights, { axis: 1 }), rows], { transA: 0, transB: 1 });
}

/**
 * `x U + y V` as one Gemm of [x y] and [U; V], for values stored transposed: side by side they need no pass over memory to be
 * summed, and a thin product (of a low-rank addition) costs next to nothing inside another. Where x and y together are wider
 * than the sum, putting them side by side would cost more.
 */
export function sumOfProducts(emitter: Emitter, node: Tensor): string | undefined {
  if (node.op !== 'add' || !emitter.isFlipped(node)) return undefined;
  const products = node.inputs.filter((operand) => takesIn(emitter, node, operand));
  const fits = ({ inputs: [, w], attributes }: Tensor<'matmul'>): boolean =>
    !attributes.transposeA && !isBatchMatrix(w.shape) && !emitter.isInt8(w);
  if (products.length < 2 || !products.every(fits)) return undefined;
  const inner = products.reduce((sum, { inputs: [x] }) => sum + (x.shape[1] as number), 0);
  if (inner > (node.shape[1] as number)) return undefined;
  const weights = products.map(({ inputs: [, w], attributes }) => emitter.operand(w, !attributes.transposeB)); // [n,k] each
  const rows = products.map(({ inputs: [x] }) => emitter.asFlipped(x)); // [k,B] each
  return emitter.add('Gemm', [emitter.add('Concat', weights, { axis: 1 }), emitter.add('Concat', rows, { axis: 0 })]);
}
