/** Matrix products. Two-dimensional ones become Gemm, whose transposes are free; others become (batched) MatMul. */
import { error } from '../../base/errors/index.ts';
import { matmul, reshape, sumTo, transpose } from '../functions/index.ts';
import { broadcast, type Dim, elements, isBatch, type Shape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { lowerProduct } from './gemm.ts';
import { type OpRule, oneType } from './rule.ts';

export const MATMUL_OPS: { matmul: OpRule<'matmul'> } = {
  matmul: {
    infer: ([a, b], { transposeA, transposeB }) => {
      const [rows, inner] = lastTwo(a, transposeA);
      const [innerB, columns] = lastTwo(b, transposeB);
      if (inner !== innerB)
        throw error('GRAPH_SHAPE', {
          op: 'matmul',
          shapes: `${showShape(a.shape)}${transposeA ? ' transposed' : ''} and ${showShape(b.shape)}${transposeB ? ' transposed' : ''}`,
          expected: 'equal inner sizes',
        });
      return {
        shape: [...broadcast('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns],
        type: oneType('matmul', [a, b], 'float32'),
      };
    },
    derivative: (node, gradient) => {
      const [a, b] = node.inputs;
      const { transposeA, transposeB } = node.attributes;
      if (a.shape.length > 2 && b.shape.length === 2 && !transposeA) return flattened(a, b, transposeB, gradient);
      if (a.shape.length === 2 && isStack(b) && !transposeA && !transposeB) return fannedOut(a, b, gradient);
      // y = A B: dA = g B^T, dB = A^T g; transposed if the operand was.
      const forA = transposeA
        ? matmul(b, gradient, { transposeA: transposeB, transposeB: true })
        : matmul(gradient, b, { transposeB: !transposeB });
      const forB = transposeB
        ? matmul(gradient, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, gradient, { transposeA: !transposeA });
      return [sumTo(forA, a.shape), sumTo(forB, b.shape)];
    },
    layout: 'matmul',
    lower: (lowering, node) => lowerProduct(lowering, node),
  },
};

/** Gradients of a stack of matrices times one matrix. The gradient of the matrix is one long product over all rows. */
function flattened(a: Tensor, b: Tensor, transposeB: boolean, gradient: Tensor): Tensor[] {
  const rows = (shape: Shape): Dim => elements(shape.slice(0, -1));
  const flatA = reshape(a, [rows(a.shape), a.shape.at(-1) as Dim]); // [rows, inner]
  const flatG = reshape(gradient, [rows(gradient.shape), gradient.shape.at(-1) as Dim]); // [rows, columns]
  const forB = transposeB ? matmul(flatG, flatA, { transposeA: true }) : matmul(flatA, flatG, { transposeA: true });
  return [matmul(gradient, b, { transposeB: !transposeB }), forB];
}

const isStack = ({ shape }: Tensor): boolean => shape.length === 3 && !shape.some(isBatch);

/**
 * Gradients of one matrix times each matrix of a stack: [rows, inner] x [K, inner, columns]. The gradient of the rows
 * is one long product over all K * columns; a product per matrix would write K results and then sum them.
 */
function fannedOut(a: Tensor, b: Tensor, gradient: Tensor): Tensor[] {
  const [count, , columns] = b.shape as number[];
  const sideBySide = (x: Tensor): Tensor => reshape(transpose(x, [1, 0, 2]), [x.shape[1], count * columns]);
  const flatG = sideBySide(gradient); // [rows, K*columns]
  const forB = matmul(a, gradient, { transposeA: true }); // [K, inner, columns]
  return [matmul(flatG, sideBySide(b), { transposeB: true }), forB]; // sideBySide(b): [inner, K*columns]
}

function lastTwo(tensor: Tensor, transposed: boolean): [Dim, Dim] {
  const { shape } = tensor;
  if (shape.length < 2)
    throw error('GRAPH_SHAPE', { op: 'matmul', shapes: showShape(shape), expected: 'at least two dimensions' });
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}
