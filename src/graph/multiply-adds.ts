/** Counts multiply-adds: the matrix products of a graph are nearly all of its arithmetic. */
import { type Dim, elements, resolve } from './shape.ts';
import { isOp, type Tensor } from './tensor.ts';

/** `stack` products [rows, inner] x [inner, columns]. */
export interface Product {
  stack: Dim;
  rows: Dim;
  inner: Dim;
  columns: Dim;
}

export const productsOf = (nodes: readonly Tensor[]): Product[] =>
  nodes.flatMap((node) => {
    if (!isOp(node, 'matmul')) return [];
    const { transposeA } = node.attributes;
    const [rows, columns] = node.shape.slice(-2);
    const inner = node.inputs[0].shape.at(transposeA ? -2 : -1) as Dim;
    return [{ stack: elements(node.shape.slice(0, -2)), rows, inner, columns }];
  });

/** Multiply-adds of a product at a batch size. */
export const multiplyAdds = ({ stack, rows, inner, columns }: Product, batchSize: number): number =>
  resolve([stack, rows, inner, columns], batchSize).reduce((product, size) => product * size, 1);
