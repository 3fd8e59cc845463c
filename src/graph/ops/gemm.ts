/**
 * How a matrix product becomes an ONNX node. Two-dimensional products become Gemm, which reads its operands in either
 * storage for free; stacks become MatMul. The choices were measured on training steps.
 */
import { isBatchMatrix } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Lowering, ValueName } from './lowering.ts';

/** A matrix product, plus an optional `bias` [n] or [1, n]. Only products of two matrices take a bias. */
export function lowerProduct({ build, storage }: Lowering, node: Tensor<'matmul'>, bias?: Tensor): ValueName {
  const [a, b] = node.inputs;
  const { transposeA, transposeB } = node.attributes;
  if (a.shape.length !== 2 || b.shape.length !== 2)
    return build.add('MatMul', [storage.matrix(a, transposeA), storage.matrix(b, transposeB)]);
  const transA = transposeA !== storage.isFlipped(a);
  const transB = transposeB !== storage.isFlipped(b);
  if (!storage.isFlipped(node)) {
    const operands = [storage.asStored(a), storage.asStored(b)];
    if (bias !== undefined) operands.push(storage.plain(bias));
    return build.add('Gemm', operands, { transA: Number(transA), transB: Number(transB) });
  }
  // Transposed weights cost less than a product that reads them across (10 % at 1024 x 512).
  const transposeWeights = !transB && !isBatchMatrix(b.shape);
  const operands = [transposeWeights ? storage.matrix(b, true) : storage.asStored(b), storage.asStored(a)];
  if (bias !== undefined) operands.push(build.reshaped(storage.plain(bias), [node.shape[1], 1]));
  return build.add('Gemm', operands, { transA: Number(!transB && !transposeWeights), transB: Number(!transA) });
}
