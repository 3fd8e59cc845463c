/** What the gates of AESM² know of a row's scenario and of a task, and how they find their own gate. */
import type { Tensor } from '../../../graph/index.ts';
import { concat, expand, gather, mul, oneHot, reduceSum, reshape, slice, transpose } from '../../../graph/index.ts';
import type { Layer, Step } from '../../contract.ts';
import type { Own } from './selection.ts';
import type { Level } from './structure.ts';

/** The node of each scenario: int32 [S]. */
const nodesOf = ({ nodes }: Level, { embedding: { graph } }: Step): Tensor =>
  graph.constant(nodes, [nodes.length], 'int32');

/** Picks the gate of each row's node. */
export function ownNode(level: Level, step: Step): Own {
  const { count } = level;
  const node = gather(nodesOf(level, step), step.scenario); // int32 [B]
  const own = reshape(transpose(oneHot(node, count), [1, 0]), [count, 1, 'B']); // [G,1,B]
  return (perGate) => reduceSum(mul(perGate, own), [0]); // [E,B]
}

/** Picks the gate of one task, for all rows. */
export const ownTask =
  (task: number): Own =>
  (perGate) =>
    reshape(slice(perGate, 0, task, task + 1), [perGate.shape[1], 'B']); // [E,B]

/** The embeddings of each scenario's nodes from the root down, one after another: [S, levels * ds]. `tables`: of the levels to read. */
export function scenarioIndicators(tables: readonly Layer<[]>[], levels: readonly Level[], step: Step): Tensor {
  const parts = tables.map((table, l) => gather(table(step), nodesOf(levels[l], step))); // [S,ds] each
  return concat(parts, 1);
}

/** The same, followed by the embedding of a task: [S, ind + dt]. */
export function taskIndicators(scenarios: Tensor, table: Layer<[]>, task: number, step: Step): Tensor {
  const own = slice(table(step), 0, task, task + 1); // [1,dt]
  return concat([scenarios, expand(own, [scenarios.shape[0], own.shape[1]])], 1); // [S,ind+dt]
}
