/**
 * The same graph with results that do not depend on the batch: a row has the same bits alone and among a thousand others,
 * first or last, on one thread or many. For graphs whose weights are stored. Where ONNX Runtime (1.30, CPU) is not steady:
 *
 * - Of a product with weights [in, out] it packs the weights when the session starts, and then adds up every element in one
 *   order. A stack of weights [n, in, out] it does not pack: of one row, or of one column, it takes an order of its own, which
 *   changes with the number of rows. So rows meet each member of the stack in a product of its own.
 * - A sum along the last axis begins at the next aligned address, so its order depends on where the row lies in memory. A
 *   product with ones is a sum, too, and packed.
 *
 * The logarithm is the third such op; see its emission.
 */
import { concat, matmul, reshape, slice } from './functions.ts';
import { nodesBefore } from './grad.ts';
import { isBatch, type Shape } from './shape.ts';
import { Graph, type Tensor } from './tensor.ts';

/** The outputs, equal to rounding, in a graph of their own. */
export function steady(outputs: Record<string, Tensor>): Record<string, Tensor> {
  const graph = new Graph();
  const copies = new Map<number, Tensor>();
  for (const node of nodesBefore(...Object.values(outputs))) {
    const inputs = node.inputs.map((input) => copies.get(input.id) as Tensor);
    copies.set(
      node.id,
      productsOf(node, inputs) ?? sumOf(node, inputs) ?? graph.node(node.op, inputs, node.attributes),
    );
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, copies.get(output.id) as Tensor]));
}

/** Rows [..., B, in] times a stack of weights [..., in, out]: a product for each place of the stack. */
function productsOf(node: Tensor, [rows, weights]: Tensor[]): Tensor | undefined {
  if (node.op !== 'matmul') return undefined;
  const { transposeA, transposeB } = (node as Tensor<'matmul'>).attributes;
  const ofRows = isBatch(rows.shape[rows.shape.length - 2]) && !transposeA;
  const isStack = weights.shape.length > 2 && !weights.shape.some(isBatch) && !transposeB;
  if (!ofRows || !isStack) return undefined;
  const parts = places(node.shape.slice(0, -2) as number[]).map((place) => {
    const product = matmul(member(rows, place), member(weights, place)); // [B,out]
    return reshape(product, [1, ...product.shape]);
  });
  return reshape(concat(parts, 0), node.shape);
}

/** A sum along the last axis, of rows. */
function sumOf(node: Tensor, [x]: Tensor[]): Tensor | undefined {
  if (node.op !== 'reduceSum' || !x.shape.some(isBatch)) return undefined;
  const { axes } = (node as Tensor<'reduceSum'>).attributes;
  const last = x.shape.length - 1;
  const size = x.shape[last];
  if (axes.length !== 1 || axes[0] !== last || last === 0 || isBatch(size)) return undefined;
  const ones = x.graph.constant(new Array<number>(size).fill(1), [size, 1]);
  return reshape(matmul(x, ones), node.shape);
}

/** Every place of a stack, the last axis fastest. */
const places = (sizes: readonly number[]): number[][] =>
  sizes.reduce<number[][]>(
    (before, size) => before.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );

/** The matrix at a place of the product's stack: axes that a stack lacks, or has once, serve every place. */
function member(stack: Tensor, place: readonly number[]): Tensor {
  const lead = stack.shape.slice(0, -2);
  const own = place.slice(place.length - lead.length);
  const matrix = lead.reduce<Tensor>(
    (rest, size, axis) => (size === 1 ? rest : slice(rest, axis, own[axis], own[axis] + 1)),
    stack,
  );
  return reshape(matrix, stack.shape.slice(-2) as Shape);
}
