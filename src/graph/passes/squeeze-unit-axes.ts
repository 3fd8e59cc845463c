/**
 * Stacks of one: axes of size 1 in front of rows are left out, so that a product of a single member is a plain product, which
 * runs faster and takes its bias in.
 */
import { expand, reshape } from '../functions.ts';
import { Graph } from '../graph.ts';
import type { OpName } from '../ops/attributes.ts';
import { nodesBefore } from '../order.ts';
import { type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { make } from './simplify.ts';

/** The same outputs without stacks of one, in a graph of their own. */
export function dropLeading(outputs: Record<string, Tensor>): Record<string, Tensor> {
  const graph = new Graph();
  const copies = new Map<number, Tensor>();
  const bare = ({ id }: Tensor): Tensor => copies.get(id) as Tensor;
  const whole = (node: Tensor): Tensor => reshape(bare(node), node.shape);
  for (const node of nodesBefore(...Object.values(outputs))) {
    const value = copied(graph, node, bare, whole);
    copies.set(node.id, reshape(value, bareShape(value.shape)));
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, whole(output)]));
}

/** How many axes a shape has in front of its rows that are 1. Two axes stay. */
function ones(shape: Shape): number {
  let count = 0;
  while (shape.length - count > 2 && shape[count] === 1) count++;
  return count;
}

const bareShape = (shape: Shape): Shape => shape.slice(ones(shape));

type Copy = (node: Tensor) => Tensor;

function copied(graph: Graph, node: Tensor, bare: Copy, whole: Copy): Tensor {
  const axes = axesOf(node);
  const [x] = node.inputs;
  const dropped = x === undefined ? 0 : ones(x.shape);
  const asIs = (): Tensor => make<OpName>(graph, node.op, node.inputs.map(whole), node.attributes);
  if (axes !== undefined) {
    const same = node.inputs.every(({ shape }) => ones(shape) === dropped);
    if (!same || axes.some((axis) => axis < dropped)) return asIs();
    const attributes =
      'axis' in node.attributes
        ? { ...node.attributes, axis: axes[0] - dropped }
        : { ...node.attributes, axes: axes.map((axis) => axis - dropped) };
    return make<OpName>(graph, node.op, node.inputs.map(bare), attributes as Tensor['attributes']);
  }
  switch (node.op) {
    case 'input': {
      const { name, shape, type } = (node as Tensor<'input'>).attributes;
      return graph.input(name, shape, type);
    }
    case 'constant': {
      const { values, shape, type } = (node as Tensor<'constant'>).attributes;
      return graph.constant(values, shape as number[], type);
    }
    case 'gather':
    case 'scatterAdd':
      return asIs();
    case 'reshape':
      return reshape(bare(x), bareShape(node.shape));
    case 'expand':
      return expand(bare(x), bareShape(node.shape));
    case 'transpose':
      return movesOnesOnly(node as Tensor<'transpose'>) ? reshape(bare(x), bareShape(node.shape)) : asIs();
    default: {
      const value = make<OpName>(graph, node.op, node.inputs.map(bare), node.attributes);
      return sameShape(bareShape(value.shape), bareShape(node.shape)) ? value : asIs();
    }
  }
}

/** The axes that an op names. */
function axesOf(node: Tensor): readonly number[] | undefined {
  if ('axes' in node.attributes) return node.attributes.axes;
  return 'axis' in node.attributes ? [node.attributes.axis] : undefined;
}

function movesOnesOnly({ inputs: [x], attributes: { permutation } }: Tensor<'transpose'>): boolean {
  const others = permutation.filter((axis) => x.shape[axis] !== 1);
  return others.every((axis, i) => i === 0 || axis > others[i - 1]);
}
