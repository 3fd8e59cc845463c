/**
 * Dead code elimination, lane by lane: drops lanes that are masked away and slices that nobody takes, and with them the
 * columns and members of the weights that made them. Sums skip lanes that are known to be 0.
 */
import type { Graph } from '../graph.ts';
import { nodesBefore } from '../order.ts';
import { isBatch, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { copyGraph } from './copy-graph.ts';
import { factsOf } from './lanes/fact-rules.ts';
import type { FactsOf } from './lanes/facts.ts';
import { type AxisLanes, allOf, listed, union } from './lanes/lanes.ts';
import { readsOf } from './lanes/reads.ts';
import { type Pass, passOver } from './pass.ts';
import { copyNode, simplify } from './simplify.ts';

/** The same outputs without what they do not need. */
export const pruneLanes: Pass = passOver((outputs) => {
  const nodes = nodesBefore(...Object.values(outputs));
  const facts = factsOf(nodes);
  const needed = neededLanes(nodes, Object.values(outputs), facts);
  return copyGraph(outputs, (node, copyOf, graph) => {
    const lanes = needed.get(node.id);
    if (lanes === undefined) return undefined;
    const { inputs, given } = readsOf(node, lanes, facts);
    const operands = node.inputs.flatMap((input, i) => {
      const has = needed.get(input.id);
      return has === undefined || isEmpty(inputs[i]) ? [] : [taken(copyOf(input), has, inputs[i], input.shape)];
    });
    return taken(copied(graph, node, operands, given), given, lanes, node.shape);
  });
});

/** The lanes of each node that some output depends on, by the node's id. */
function neededLanes(nodes: readonly Tensor[], outputs: readonly Tensor[], facts: FactsOf): Map<number, AxisLanes> {
  const needed = new Map<number, AxisLanes>(outputs.map((output) => [output.id, allOf(output.shape)]));
  for (const node of [...nodes].reverse()) {
    const lanes = needed.get(node.id);
    if (lanes === undefined) continue;
    const { inputs } = readsOf(node, lanes, facts);
    node.inputs.forEach((input, i) => {
      if (isEmpty(inputs[i])) return;
      const before = needed.get(input.id);
      const merged = before?.map((own, axis) => union(own, inputs[i][axis], input.shape[axis] as number));
      needed.set(input.id, merged ?? inputs[i]);
    });
  }
  return needed;
}

const isEmpty = (lanes: AxisLanes): boolean => lanes.some((own) => own.length === 0);

const sizesOf = (shape: Shape, lanes: AxisLanes): Shape =>
  shape.map((size, axis) => (lanes[axis] === 'all' ? size : lanes[axis].length));

/** The node on operands that hold what it reads. */
function copied(graph: Graph, node: Tensor, operands: readonly Tensor[], given: AxisLanes): Tensor {
  switch (node.op) {
    case 'input':
    case 'constant':
      return taken(copyNode(graph, node, []), allOf(node.shape), given, node.shape);
    case 'slice':
      return operands[0];
    case 'reshape':
    case 'expand':
      return copyNode(graph, node, operands, { shape: sizesOf(node.shape, given) });
    default:
      return copyNode(graph, node, operands);
  }
}

/** The wanted lanes of a tensor that holds the lanes `has`; `shape`: with all lanes. */
function taken(x: Tensor, has: AxisLanes, wanted: AxisLanes, shape: Shape): Tensor {
  return shape.reduce<Tensor>((rest, size, axis) => {
    if (isBatch(size) || has[axis] === wanted[axis]) return rest;
    const held = listed(has[axis], size);
    const places = listed(wanted[axis], size).map((lane) => held.indexOf(lane));
    const parts = runs(places).map(([start, end]) =>
      start === 0 && end === rest.shape[axis] ? rest : simplify(rest.graph, 'slice', [rest], { axis, start, end }),
    );
    return parts.length === 1 ? parts[0] : simplify(rest.graph, 'concat', parts, { axis });
  }, x);
}

/** Runs of neighbouring places as [start, end). */
function runs(places: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last?.[1] === place) last[1]++;
    else found.push([place, place + 1]);
  }
  return found;
}
