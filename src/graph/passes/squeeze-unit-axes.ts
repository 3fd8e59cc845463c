/**
 * Drops axes of size 1 in front of rows: the product of a stack with a single member becomes a plain product, which
 * runs faster and can be fused with its bias.
 */
import { expand, reshape } from '../functions/index.ts';
import type { Graph } from '../graph.ts';
import { type Shape, sameShape } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { type CopyOf, copyGraph } from './copy-graph.ts';
import { type Pass, passOver } from './pass.ts';
import { copyNode } from './simplify.ts';

/** The same outputs without axes of size 1 in front of rows. */
export const squeezeUnitAxes: Pass = passOver((outputs) =>
  copyGraph(
    outputs,
    (node, copyOf, graph) => {
      const value = copied(graph, node, copyOf);
      return reshape(value, squeezed(value.shape));
    },
    whole,
  ),
);

/** A copy with all axes of its tensor. */
const whole = (tensor: Tensor, copyOf: CopyOf): Tensor => reshape(copyOf(tensor), tensor.shape);

/** How many axes of size 1 a shape begins with; the last two axes do not count. */
function unitAxes(shape: Shape): number {
  let count = 0;
  while (shape.length - count > 2 && shape[count] === 1) count++;
  return count;
}

const squeezed = (shape: Shape): Shape => shape.slice(unitAxes(shape));

function copied(graph: Graph, node: Tensor, copyOf: CopyOf): Tensor {
  const axes = axesOf(node);
  const [x] = node.inputs;
  const dropped = x === undefined ? 0 : unitAxes(x.shape);
  const asIs = (): Tensor =>
    copyNode(
      graph,
      node,
      node.inputs.map((input) => whole(input, copyOf)),
    );
  if (axes !== undefined) {
    const same = node.inputs.every(({ shape }) => unitAxes(shape) === dropped);
    if (!same || axes.some((axis) => axis < dropped)) return asIs();
    const attributes =
      'axis' in node.attributes
        ? { ...node.attributes, axis: axes[0] - dropped }
        : { ...node.attributes, axes: axes.map((axis) => axis - dropped) };
    return copyNode(graph, node, node.inputs.map(copyOf), attributes as Tensor['attributes']);
  }
  if (isOp(node, 'transpose')) return movesUnitAxesOnly(node) ? reshape(copyOf(x), squeezed(node.shape)) : asIs();
  switch (node.op) {
    case 'input':
    case 'constant':
    case 'gather':
    case 'scatterAdd':
      return asIs();
    case 'reshape':
      return reshape(copyOf(x), squeezed(node.shape));
    case 'expand':
      return expand(copyOf(x), squeezed(node.shape));
    default: {
      const value = copyNode(graph, node, node.inputs.map(copyOf));
      return sameShape(squeezed(value.shape), squeezed(node.shape)) ? value : asIs();
    }
  }
}

/** The axes that an op names. */
function axesOf(node: Tensor): readonly number[] | undefined {
  if ('axes' in node.attributes) return node.attributes.axes;
  return 'axis' in node.attributes ? [node.attributes.axis] : undefined;
}

function movesUnitAxesOnly({ inputs: [x], attributes: { permutation } }: Tensor<'transpose'>): boolean {
  const others = permutation.filter((axis) => x.shape[axis] !== 1);
  return others.every((axis, i) => i === 0 || axis > others[i - 1]);
}
