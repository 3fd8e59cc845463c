/**
 * Fuses matrix products: products with weights that follow each other, or that are added, become one where that takes
 * fewer multiply-adds. Batch norms go into the kernels before or after them, low-rank additions into the kernel that
 * they add to.
 */
import { multiplyAdds, productsOf } from '../multiply-adds.ts';
import { nodesBefore } from '../order.ts';
import { isBatch, resolve } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { Forms } from './linear/forms.ts';
import { isRows } from './linear/linear-form.ts';
import { type Outputs, type Pass, passOver } from './pass.ts';

/**
 * The same outputs with fewer multiply-adds. A value with several readers is either computed once, or each reader takes
 * in the form of the value: the cost of the whole graph decides, one value after the other. What comparisons read stays
 * as it is, bit for bit.
 */
export const fuseMatmuls: Pass = passOver((outputs) => {
  const shared = sharedForms(outputs);
  const starts = [new Set(shared), new Set<number>()].map((kept) => improved(outputs, kept, shared));
  const asBefore = { outputs, cost: costOf(outputs) };
  return starts.reduce((a, b) => (b.cost < a.cost ? b : a), asBefore).outputs;
});

interface Attempt {
  outputs: Outputs;
  cost: number;
}

function improved(outputs: Outputs, kept: Set<number>, shared: readonly number[]): Attempt {
  const attempt = (): Attempt => {
    const merged = rewritten(outputs, kept);
    return { outputs: merged, cost: costOf(merged) };
  };
  let best = attempt();
  for (let before = Number.POSITIVE_INFINITY; best.cost < before; ) {
    before = best.cost;
    for (const id of shared) {
      toggle(kept, id);
      const changed = attempt();
      if (changed.cost < best.cost) best = changed;
      else toggle(kept, id);
    }
  }
  return best;
}

const toggle = (set: Set<number>, id: number): void => void (set.delete(id) || set.add(id));

/** Multiply-adds per row, plus the numbers that are written per row. */
function costOf(outputs: Outputs): number {
  const nodes = nodesBefore(...Object.values(outputs)).filter(({ shape }) => shape.some(isBatch));
  const numbers = nodes.reduce((total, { shape }) => total + resolve(shape, 1).reduce((count, n) => count * n, 1), 0);
  return numbers + productsOf(nodes).reduce((total, one) => total + multiplyAdds(one, 1), 0);
}

/** Values that are made of products and that several nodes read. */
function sharedForms(outputs: Outputs): number[] {
  const nodes = nodesBefore(...Object.values(outputs));
  const uses = new Map<number, number>();
  for (const { inputs } of nodes) for (const { id } of inputs) uses.set(id, (uses.get(id) ?? 0) + 1);
  const candidates = ['matmul', 'add', 'sub', 'mul', 'slice'];
  return nodes
    .filter(({ id, op, shape }) => (uses.get(id) ?? 0) > 1 && candidates.includes(op) && isRows(shape))
    .map(({ id }) => id);
}

/** `kept`: ids of the values that are computed once, for all their readers. */
function rewritten(outputs: Outputs, kept: ReadonlySet<number>): Outputs {
  const forms = new Forms();
  const nodes = nodesBefore(...Object.values(outputs));
  const compared = beforeComparisons(nodes);
  for (const node of nodes) forms.add(node, compared.has(node.id) ? 'as before' : kept.has(node.id) ? 'value' : 'form');
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, forms.valueOf(output)]));
}

/** What comparisons depend on: with other rounding, a gate near its bound would flip. */
function beforeComparisons(nodes: readonly Tensor[]): ReadonlySet<number> {
  const comparisons = nodes.filter(({ op }) => op === 'greater' || op === 'less' || op === 'equal');
  return new Set(nodesBefore(...comparisons).map(({ id }) => id));
}
