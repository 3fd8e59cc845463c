/**
 * Sums over the rows of a batch. A graph that gets some of the rows computes the same numbers for them, because rows
 * meet in sums alone: in `reduceSum`, in products over the batch and in `scatterAdd`. What else mixes rows has no
 * meaning for a part of them.
 */
import { error } from '../../base/errors/index.ts';
import { type Dim, isBatch, type Shape, showShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';

/**
 * Does the node add up over rows?
 *
 * @throws GRAPH_ROWS_MIXED if it mixes rows in another way
 */
export function sumsRows(node: Tensor): boolean {
  const refuse = (how: string) =>
    error('GRAPH_ROWS_MIXED', { node: `%${node.id} ${node.op}`, how, shapes: node.inputs.map(shapeOf).join(' and ') });
  const [first, second] = node.inputs;
  if (isOp(node, 'reduceSum')) return node.attributes.axes.some((axis) => isBatch(first.shape[axis]));
  if (isOp(node, 'matmul')) return isBatch(first.shape.at(node.attributes.transposeA ? -2 : -1) as Dim);
  if (isOp(node, 'scatterAdd')) {
    if (isBatch(node.attributes.rows)) throw refuse('adds to chosen rows of a batch');
    return second.shape.some(isBatch);
  }
  if (isOp(node, 'gather') && isBatch(first.shape[0])) throw refuse('reads chosen rows of a batch');
  if (isOp(node, 'reduceMax') && node.attributes.axes.some((axis) => isBatch(first.shape[axis])))
    throw refuse('takes a maximum over rows');
  if (isOp(node, 'softmax') && isBatch(first.shape[node.attributes.axis])) throw refuse('takes a softmax over rows');
  if (isOp(node, 'reshape') && tornApart(first.shape, node.shape)) throw refuse('takes rows apart');
  return false;
}

const shapeOf = ({ shape }: Tensor): string => showShape(shape);

/** Does a reshape move the batch axis past others? Merged axes, such as `50B`, are taken to be split as they were merged. */
function tornApart(from: Shape, to: Shape): boolean {
  if (!from.includes('B') || !to.includes('B')) return false;
  const before = (shape: Shape): number =>
    (shape.slice(0, shape.indexOf('B')) as number[]).reduce((product, size) => product * size, 1);
  return before(from) !== before(to);
}
