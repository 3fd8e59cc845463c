/**
 * Where the values of a graph are when each rank has some rows of the batch and all weights: on every rank the whole
 * value, on every rank its rows of it, or on every rank a summand of it.
 */
import { error } from '../../base/errors/index.ts';
import { isBatch, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { LINEARITY } from './linear.ts';
import { sumsRows } from './rows.ts';

export type Placement = 'whole' | 'rows' | 'sum';

export interface Placements {
  /** By node. What is reduced is a `sum` here. */
  of: ReadonlyMap<number, Placement>;
  /** Sums that must become whole, because a node needs them so. All nodes then read them whole. */
  reduced: ReadonlySet<number>;
}

/**
 * Places nodes, inputs first. Sums stay sums as long as nodes are linear in them: fewer and smaller vectors are added
 * up over ranks.
 *
 * @throws GRAPH_ROWS_MIXED if the graph mixes rows in another way than by sums
 */
export function place(nodes: readonly Tensor[]): Placements {
  for (let reduced: ReadonlySet<number> = new Set(); ; ) {
    const { of, needed } = placeOnce(nodes, reduced);
    if (needed.size === 0) return { of, reduced: new Set([...reduced].filter((id) => of.get(id) === 'sum')) };
    reduced = new Set([...reduced, ...needed]);
  }
}

function placeOnce(nodes: readonly Tensor[], reduced: ReadonlySet<number>) {
  const of = new Map<number, Placement>();
  const needed = new Set<number>();
  const read = ({ id }: Tensor): Placement => (reduced.has(id) ? 'whole' : (of.get(id) as Placement));
  for (const node of nodes) {
    const sums = node.inputs.filter((input) => read(input) === 'sum');
    const made = ofOperands(node, read);
    if (sums.length > 0 && made !== 'sum') for (const { id } of sums) needed.add(id);
    of.set(node.id, made);
  }
  return { of, needed };
}

/** Placement of a node; if it is no sum, its operands that are sums must become whole first. */
function ofOperands(node: Tensor, read: (input: Tensor) => Placement): Placement {
  const operands = node.inputs.map(read);
  const contracts = sumsRows(node);
  if (operands.includes('sum') && passesOn(node, operands)) return 'sum';
  if (contracts && node.type !== 'float32')
    throw error('GRAPH_ROWS_MIXED', {
      node: `%${node.id} ${node.op}`,
      how: `adds up ${node.type} over rows`,
      shapes: showShape(node.inputs[0].shape),
    });
  return node.shape.some(isBatch) ? 'rows' : contracts ? 'sum' : 'whole';
}

/** Does a node of which an operand is a sum give a sum? */
function passesOn({ op, shape }: Tensor, operands: readonly Placement[]): boolean {
  if (operands.includes('rows') || shape.some(isBatch)) return false;
  const sums = operands.filter((operand) => operand === 'sum').length;
  switch (LINEARITY[op]) {
    case 'together':
      return true;
    case 'each':
      return sums === 1;
    case 'first':
      return sums === 1 && operands[0] === 'sum';
    case 'none':
      return false;
  }
}
