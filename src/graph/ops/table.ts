/**
 * The table of ops: the only place where the meaning of an op is declared. An op without a shape rule, a derivative or
 * a lowering does not compile. docs/ops.md lists the ops.
 */
import { ARRANGE_OPS } from './arrange.ts';
import type { OpName } from './attributes.ts';
import { COMPARE_OPS } from './compare.ts';
import { ELEMENTWISE_OPS } from './elementwise.ts';
import { MATMUL_OPS } from './matmul.ts';
import { PARTS_OPS } from './parts.ts';
import { REDUCE_OPS } from './reduce.ts';
import type { OpRule } from './rule.ts';
import { SOURCE_OPS } from './source.ts';

export const OPS: { readonly [K in OpName]: OpRule<K> } = {
  ...SOURCE_OPS,
  ...ELEMENTWISE_OPS,
  ...COMPARE_OPS,
  ...REDUCE_OPS,
  ...MATMUL_OPS,
  ...ARRANGE_OPS,
  ...PARTS_OPS,
};

/** The rule of a node. */
export const ruleOf = ({ op }: { op: OpName }): OpRule<OpName> => OPS[op] as OpRule<OpName>;
