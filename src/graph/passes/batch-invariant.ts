/**
 * Batch invariance: a row gets the same bits alone and among a thousand others, first or last, on one thread or many.
 * For graphs whose weights are stored. Where ONNX Runtime (1.30, CPU) is not batch-invariant:
 *
 * - It packs weights [in, out] when the session starts, and then adds up every element of a product in one order. It
 *   does not pack a stack of weights [n, in, out]: for one row, or one column, it takes another order. So each member
 *   of a stack gets a product of its own.
 * - It multiplies a stack [n, B, rows, in] by matrices of the batch [B, in, out] one by one, but by the single one of a
 *   batch of one row in one large product, in another order. So these matrices get all axes of the stack.
 * - A sum along the last axis starts at the next aligned address, so its order depends on where the row lies in memory.
 *   A product with ones is a sum, too, and packed.
 *
 * The logarithm is the third such op: its rule (ops/elementwise.ts) computes it in float64.
 */
import { concat, expand, matmul, reshape, slice } from '../functions/index.ts';
import { OPS } from '../ops/table.ts';
import { isBatch, type Shape, sameShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { copyGraph } from './copy-graph.ts';
import type { Outputs } from './pass.ts';

/**
 * The outputs, equal to rounding, in a graph of their own. Runs once, after all passes, before a serving graph is
 * compiled.
 */
export function batchInvariant(outputs: Outputs): Outputs {
  const stacks = new Stacks();
  return copyGraph(outputs, (node, copyOf, graph) => {
    const inputs = node.inputs.map(copyOf);
    return (
      stacks.product(node, inputs) ??
      wholeStack(node, inputs) ??
      stacks.elementwise(node, inputs) ??
      sumAsProduct(node, inputs) ??
      graph.node(node.op, inputs, node.attributes)
    );
  });
}

/**
 * Tensors [...places, B, n] whose members [B, n] are known. Their readers use the members; a stack that nobody reads is
 * not compiled.
 */
class Stacks {
  readonly #members = new Map<number, Tensor[]>();

  /** Rows [..., B, in] times a stack of weights [..., in, out]: a product for each place. */
  product(node: Tensor, [rows, weights]: readonly Tensor[]): Tensor | undefined {
    if (!isOp(node, 'matmul')) return undefined;
    const { transposeA, transposeB } = node.attributes;
    const ofRows = isBatch(rows.shape[rows.shape.length - 2]) && !transposeA;
    const isStack = weights.shape.length > 2 && !weights.shape.some(isBatch) && !transposeB;
    if (!ofRows || !isStack) return undefined;
    return this.#stack(node.shape, (place) => matmul(this.#member(rows, place), this.#member(weights, place)));
  }

  /** An elementwise op on stacks: the op on each member. */
  elementwise(node: Tensor, inputs: readonly Tensor[]): Tensor | undefined {
    const known = inputs.some(({ id, shape }) => this.#members.has(id) && sameShape(lead(shape), lead(node.shape)));
    if (OPS[node.op].layout !== 'elementwise' || !known) return undefined;
    return this.#stack(node.shape, (place) =>
      node.op === 'stopGradient'
        ? this.#member(inputs[0], place)
        : inputs[0].graph.node(
            node.op,
            inputs.map((input) => this.#member(input, place)),
            node.attributes,
          ),
    );
  }

  #stack(shape: Shape, memberAt: (place: readonly number[]) => Tensor): Tensor {
    const members = places(lead(shape) as number[]).map(memberAt);
    const whole = reshape(
      concat(
        members.map((member) => reshape(member, [1, ...member.shape])),
        0,
      ),
      shape,
    );
    this.#members.set(whole.id, members);
    return whole;
  }

  /**
   * The member of a tensor at a place of a stack: axes that the tensor lacks, or that have size 1, serve every place.
   */
  #member(tensor: Tensor, place: readonly number[]): Tensor {
    const axes = lead(tensor.shape) as number[];
    const own = place.slice(place.length - axes.length).map((index, axis) => (axes[axis] === 1 ? 0 : index));
    const known = this.#members.get(tensor.id);
    if (known !== undefined) return known[own.reduce((at, index, axis) => at * axes[axis] + index, 0)];
    if (axes.length === 0) return tensor;
    const matrix = own.reduce<Tensor>((rest, index, axis) => slice(rest, axis, index, index + 1), tensor);
    return reshape(matrix, tensor.shape.slice(-2));
  }
}

/** The axes of a stack before those of its members. */
const lead = (shape: Shape): Shape => shape.slice(0, Math.max(0, shape.length - 2));

/** Every place of a stack; the last axis varies fastest. */
const places = (sizes: readonly number[]): number[][] =>
  sizes.reduce<number[][]>(
    (before, size) => before.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );

/** Matrices of the batch that a stack shares, repeated for the whole stack. */
function wholeStack(node: Tensor, [rows, matrices]: readonly Tensor[]): Tensor | undefined {
  if (!isOp(node, 'matmul')) return undefined;
  const shared = lead(matrices.shape);
  const isOneWithoutBatch = shared.some(isBatch) && shared.every((axis) => isBatch(axis) || axis === 1);
  const shape = [...lead(node.shape), ...matrices.shape.slice(-2)];
  if (!isOneWithoutBatch || lead(node.shape).every((axis) => isBatch(axis) || axis === 1)) return undefined;
  return matmul(rows, expand(matrices, shape), node.attributes);
}

/** A sum of rows along the last axis, as a product with ones. */
function sumAsProduct(node: Tensor, [x]: readonly Tensor[]): Tensor | undefined {
  if (!isOp(node, 'reduceSum') || !x.shape.some(isBatch)) return undefined;
  const { axes } = node.attributes;
  const last = x.shape.length - 1;
  const size = x.shape[last];
  if (axes.length !== 1 || axes[0] !== last || last === 0 || isBatch(size)) return undefined;
  const ones = x.graph.constant(new Array<number>(size).fill(1), [size, 1]);
  return reshape(matmul(x, ones), node.shape);
}
