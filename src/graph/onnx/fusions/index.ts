/** The table of fusions: patterns of several ops that are lowered together. */
import type { OpName } from '../../ops/attributes.ts';
import type { Tensor } from '../../tensor.ts';
import { BIAS_AS_WEIGHT, PRODUCT_AND_BIAS } from './bias.ts';
import type { Fusion, GraphFacts } from './fusion.ts';
import { INT8_PRODUCT } from './int8-product.ts';
import { POSITIVE_MASK } from './positive-mask.ts';
import { SUM_OF_PRODUCTS } from './sum-of-products.ts';

/** The first pattern that matches a node is taken: special cases come before general ones. */
const FUSIONS: readonly Fusion[] = [
  INT8_PRODUCT, // its products take in no bias, so the patterns below leave them alone
  BIAS_AS_WEIGHT, // the special case of the next one
  PRODUCT_AND_BIAS,
  SUM_OF_PRODUCTS,
  POSITIVE_MASK,
];

/**
 * Ops whose nodes a fusion may take in, and constants. They are lowered when the first reader asks for them, so that
 * those that were taken in are never written.
 */
export const LOWERED_AT_FIRST_USE: ReadonlySet<OpName> = new Set<OpName>(['matmul', 'greater', 'constant']);

export type Fused = { name: string; lower: NonNullable<ReturnType<Fusion['match']>> };

/** The fusion of each node that one matches, by the node's id. */
export function planFusions(nodes: readonly Tensor[], facts: GraphFacts): ReadonlyMap<number, Fused> {
  const plan = new Map<number, Fused>();
  for (const node of nodes) {
    const fused = firstMatch(node, facts);
    if (fused !== undefined) plan.set(node.id, fused);
  }
  return plan;
}

function firstMatch(node: Tensor, facts: GraphFacts): Fused | undefined {
  for (const { name, match } of FUSIONS) {
    const lower = match(node, facts);
    if (lower !== undefined) return { name, lower };
  }
  return undefined;
}
